"""Access to calls: the account of a request, its role and its rate."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from gateway.accounts.roles import ANONYMOUS, Account, Role
from gateway.accounts.tokens import TokenError
from gateway.context import Gateway
from gateway.problems import Problem

bearer = HTTPBearer(auto_error=False, bearerFormat="JWT", description="`token` of /api/auth/login")
Bearer = Annotated[HTTPAuthorizationCredentials | None, Security(bearer)]


def gateway_of(request: Request) -> Gateway:
    """The gateway that serves a request."""
    gateway: Gateway = request.app.state.gateway
    return gateway


Context = Annotated[Gateway, Depends(gateway_of)]


def address_of(request: Request) -> str:
    """Address of the client."""
    return request.client.host if request.client else "unknown"


def require(role: Role, always: bool = False) -> Callable[..., Awaitable[Account]]:
    """A dependency that returns the account of a request, or raises Problem 401, 403 or 429.

    `always`: a token is needed with AUTH=off as well.
    """

    async def account(request: Request, context: Context, credentials: Bearer) -> Account:
        found = _authenticate(context, credentials, always)
        await context.limiter.check(address_of(request) if found is ANONYMOUS else found.id)
        check_role(found, role)
        return found

    return account


def check_role(account: Account, role: Role, what: str = "this call") -> None:
    """Raise Problem 403 if an account has fewer rights than a role."""
    if not account.may(role):
        raise Problem(403, f"{what} needs the role {role}, the account has {account.role}")


Viewer = Annotated[Account, Depends(require("viewer"))]
Analyst = Annotated[Account, Depends(require("analyst"))]
Admin = Annotated[Account, Depends(require("admin", always=True))]
SignedIn = Annotated[Account, Depends(require("viewer", always=True))]


def _authenticate(context: Gateway, credentials: Bearer, always: bool) -> Account:
    if credentials is None:
        if context.settings.auth == "off" and not always:
            return ANONYMOUS
        raise unauthorized("a token is needed: Authorization: Bearer TOKEN, from /api/auth/login")
    try:
        return context.tokens.verify(credentials.credentials)
    except TokenError as error:
        raise unauthorized(str(error)) from None


def unauthorized(detail: str) -> Problem:
    """A problem 401."""
    return Problem(401, detail, headers={"WWW-Authenticate": "Bearer"})
