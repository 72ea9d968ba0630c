"""Accounts: registration, tokens, and their administration."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from gateway.accounts.roles import Role
from gateway.accounts.tokens import Invitation, TokenError
from gateway.accounts.users import AccountConflict, User
from gateway.api.access import Admin, Context, SignedIn, address_of, unauthorized
from gateway.api.documents import Invited, Session, UserList, UserView
from gateway.api.responses import answers, problem_answers
from gateway.context import Gateway
from gateway.encoding import json_response
from gateway.problems import FieldError, Problem

USERNAME = r"^[A-Za-z0-9_.@-]{3,64}$"
NO_TOKEN: dict[str, Any] = {"security": []}  # in the OpenAPI document

USER = {"id": "0f8f2a52-6c4e-4d0e-9c83-0d6d5a3b7c11", "username": "ada", "role": "viewer", "disabled": False}
SESSION = {
    "token": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9…",
    "refresh_token": "5bq3Zr0kQm1w…",
    "expires_in": 900,
    "user": USER,
}

router = APIRouter(prefix="/api", tags=["accounts"])


class Body(BaseModel):
    """A request body; unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class Credentials(Body):
    username: str = Field(pattern=USERNAME, examples=["ada"])
    password: str = Field(min_length=1, max_length=256, examples=["correct horse battery"])


class Registration(Body):
    username: str = Field(pattern=USERNAME, examples=["ada"])
    password: str = Field(min_length=10, max_length=256, examples=["correct horse battery"])
    invitation: str | None = Field(None, max_length=2048, description="needed with REGISTRATION=invitation")


class RefreshToken(Body):
    refresh_token: str = Field(min_length=1, max_length=256, examples=["5bq3Zr0kQm1w"])


class InvitationRequest(Body):
    role: Role = "viewer"


class UserChange(Body):
    """New role or state; a field that is left out stays as it is."""

    role: Role | None = None
    disabled: bool | None = None


@router.post(
    "/auth/register",
    status_code=201,
    response_class=Response,
    responses=answers(Session, SESSION, 403, 409, 422, 429, 503, status=201),
    openapi_extra=NO_TOKEN,
)
async def register(body: Registration, request: Request, context: Context) -> Response:
    """Create an account and log in. REGISTRATION decides who may: nobody, holders of an invitation, everybody."""
    await context.limiter.check_authentication(address_of(request))
    invitation = _invitation(context, body)
    stored = await context.passwords.hash(body.password)
    role: Role = invitation.role if invitation else "viewer"
    try:
        user = await context.users.add(body.username, stored, role, invitation.id if invitation else None)
    except AccountConflict as taken:
        raise Problem(409, f"the {taken} is taken", [FieldError(str(taken), "taken")]) from None
    response = await new_session(context, user)
    response.status_code = 201
    return response


@router.post(
    "/auth/login",
    response_class=Response,
    responses=answers(Session, SESSION, 401, 422, 429, 503),
    openapi_extra=NO_TOKEN,
)
async def login(body: Credentials, request: Request, context: Context) -> Response:
    """Exchange username and password for an access token and a refresh token."""
    await context.limiter.check_authentication(address_of(request), f"name:{body.username.lower()}")
    found = await context.users.find(body.username)
    matches = await context.passwords.verify(body.password, found[1] if found else None)
    if found is None or not matches or found[0].disabled:
        raise unauthorized("username or password is wrong, or the account is disabled")
    return await new_session(context, found[0])


@router.post(
    "/auth/refresh",
    response_class=Response,
    responses=answers(Session, SESSION, 401, 422, 429, 503),
    openapi_extra=NO_TOKEN,
)
async def refresh(body: RefreshToken, request: Request, context: Context) -> Response:
    """Exchange a refresh token for new tokens. A token that was used before revokes all that came from its login."""
    await context.limiter.check_authentication(address_of(request))
    rotated = await context.users.rotate(body.refresh_token)
    if rotated is None:
        raise unauthorized("the refresh token is not valid any more: log in again")
    user, token = rotated
    return _answer(context, user, token)


@router.post(
    "/auth/logout",
    status_code=204,
    response_class=Response,
    responses=problem_answers(422, 429, 503),
    openapi_extra=NO_TOKEN,
)
async def logout(body: RefreshToken, request: Request, context: Context) -> Response:
    """Revoke all refresh tokens of a login. Access tokens work until they expire."""
    await context.limiter.check_authentication(address_of(request))
    await context.users.revoke(body.refresh_token)
    return Response(status_code=204)


@router.get("/auth/me", response_class=Response, responses=answers(UserView, USER, 401, 429))
async def me(account: SignedIn) -> Response:
    """The account of the token."""
    return json_response(UserView(account.id, account.username, account.role))


@router.get("/users", response_class=Response, responses=answers(UserList, {"users": [USER]}, 401, 403, 429, 503))
async def users(account: Admin, context: Context) -> Response:
    """All accounts, by name."""
    return json_response(UserList([_view(user) for user in await context.users.all()]))


@router.put(
    "/users/{username}", response_class=Response, responses=answers(UserView, USER, 401, 403, 404, 409, 422, 429, 503)
)
async def change_user(
    username: Annotated[str, Path(pattern=USERNAME, examples=["ada"])],
    body: UserChange,
    account: Admin,
    context: Context,
) -> Response:
    """Change role or state of another account. It has to log in again; its access token works until it expires."""
    if username.lower() == account.username.lower():
        raise Problem(409, "an admin cannot change their own account", [FieldError("username", "another account")])
    changed = await context.users.change(username, body.role, body.disabled)
    if changed is None:
        raise Problem(404, f"unknown account {username!r}")
    return json_response(_view(changed))


@router.post(
    "/invitations",
    status_code=201,
    response_class=Response,
    responses=answers(Invited, {"invitation": "eyJhbGciOi…", "role": "viewer"}, 401, 403, 422, 429, status=201),
)
async def invite(body: InvitationRequest, account: Admin, context: Context) -> Response:
    """An invitation, with which one account can be registered within seven days."""
    invitation = context.tokens.invite(body.role, int(context.clock()))
    response = json_response(Invited(invitation, body.role))
    response.status_code = 201
    return response


def _invitation(context: Gateway, body: Registration) -> Invitation | None:
    if context.settings.registration == "closed":
        raise Problem(403, "registration is closed")
    if body.invitation is None and context.settings.registration == "open":
        return None
    if body.invitation is None:
        raise _uninvited("an admin's invitation is needed")
    try:
        return context.tokens.open_invitation(body.invitation)
    except TokenError as error:
        raise _uninvited(str(error)) from None


def _uninvited(detail: str) -> Problem:
    return Problem(403, f"invitation: {detail}", [FieldError("invitation", detail)])


async def new_session(context: Gateway, user: User) -> Response:
    """The answer of a login: tokens of a new family."""
    return _answer(context, user, await context.users.begin_family(user))


def _answer(context: Gateway, user: User, refresh_token: str) -> Response:
    token = context.tokens.issue(user.id, user.username, user.role, int(context.clock()))
    return json_response(Session(token, refresh_token, context.settings.access_token_s, _view(user)))


def _view(user: User) -> UserView:
    return UserView(user.id, user.username, user.role, user.disabled)
