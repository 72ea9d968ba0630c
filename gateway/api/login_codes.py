"""One-time login codes: a link with a code logs a page in and contains no password."""

from fastapi import APIRouter, Request
from pydantic import Field
from redis.exceptions import RedisError
from starlette.responses import Response

from gateway.accounts.codes import LIFE_S
from gateway.accounts.users import User
from gateway.api.access import Context, SignedIn, address_of, unauthorized
from gateway.api.auth import NO_TOKEN, SESSION, Body, new_session
from gateway.api.documents import LoginCode, Session
from gateway.api.responses import answers
from gateway.context import Gateway
from gateway.encoding import json_response
from gateway.problems import Problem

CODE = "kq3vYw0T8m1xJb6nRz4sHd2cLf7gPa9u"

router = APIRouter(prefix="/api/auth", tags=["accounts"])


class Exchanged(Body):
    code: str = Field(min_length=1, max_length=256, examples=[CODE])


@router.post(
    "/codes",
    status_code=201,
    response_class=Response,
    responses=answers(LoginCode, {"code": CODE, "expires_in": LIFE_S}, 401, 429, 503, status=201),
)
async def issue_code(account: SignedIn, context: Context) -> Response:
    """A code for the account of the request. It logs in once, within five minutes: `/live#code=CODE`."""
    await context.limiter.check_authentication(f"account:{account.id}")
    try:
        code = await context.codes.issue(account.id)
    except RedisError:
        raise _away() from None
    response = json_response(LoginCode(code, LIFE_S))
    response.status_code = 201
    return response


@router.post(
    "/exchange",
    response_class=Response,
    responses=answers(Session, SESSION, 401, 422, 429, 503),
    openapi_extra=NO_TOKEN,
)
async def exchange_code(body: Exchanged, request: Request, context: Context) -> Response:
    """Exchange a login code for an access token and a refresh token. A code works once."""
    await context.limiter.check_authentication(address_of(request))
    user = await _user_of(context, body.code)
    if user is None or user.disabled:
        raise unauthorized("the code is not valid, was used or has expired: ask for a new one")
    return await new_session(context, user)


async def _user_of(context: Gateway, code: str) -> User | None:
    try:
        user_id = await context.codes.redeem(code)
    except RedisError:
        raise _away() from None
    return await context.users.get(user_id) if user_id is not None else None


def _away() -> Problem:
    return Problem(503, "Redis, which keeps login codes, is unavailable", headers={"Retry-After": "5"})
