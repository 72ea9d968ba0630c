"""`depthflow login-link`: a link that opens the page of live books without a password."""

import asyncio
from typing import Annotated
from urllib.error import HTTPError
from urllib.request import urlopen

import typer
from psycopg import Error as DatabaseError
from psycopg_pool import PoolTimeout
from redis.asyncio import Redis
from redis.exceptions import RedisError

from core.errors import UserError
from gateway.accounts.codes import LoginCodes
from gateway.accounts.users import User, Users
from gateway.database import Database
from gateway.settings import GatewaySettings

EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "localhost"}
TIMEOUT_S = 5
FIRST_ACCOUNT_TRIES = 25

app = typer.Typer()


@app.command()
def login_link(
    user: Annotated[str, typer.Option(help="Account that the link logs in to; GATEWAY_USER if it is not given.")] = "",
) -> None:
    """Print a link that opens the page of live books: it logs in once, within five minutes.

    The settings of the gateway are needed, which the local stack generates. Anyone with the link acts as that account.

    Example: depthflow login-link
    """
    settings = GatewaySettings()
    require_gateway(settings)
    print(make_link(settings, user))


def page_url(settings: GatewaySettings) -> str:
    """Address of the page on this machine."""
    host = EVERY_ADDRESS.get(settings.serve_host, settings.serve_host)
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.serve_port}/live"


def require_gateway(settings: GatewaySettings) -> None:
    """Raises UserError unless the gateway answers on this machine."""
    page = page_url(settings)
    try:
        urlopen(f"{page.removesuffix('/live')}/health", timeout=TIMEOUT_S).close()
    except HTTPError:
        return
    except OSError:
        raise UserError(
            f"no gateway answers at {page}: `depthflow up --serve` starts that of the local stack"
        ) from None


def make_link(settings: GatewaySettings, username: str = "") -> str:
    """A link with a new code for an account, GATEWAY_USER if none is given.

    Raises UserError if there is no such account, it is disabled, or Redis or the database is unavailable.
    """
    try:
        code = asyncio.run(_issue(settings, username or settings.gateway_user))
    except (RedisError, DatabaseError, PoolTimeout):
        raise UserError("Redis or the database is unavailable: a login code cannot be stored") from None
    return f"{page_url(settings)}#code={code}"


async def _issue(settings: GatewaySettings, username: str) -> str:
    accounts = Database(settings.accounts_postgres_dsn.get_secret_value(), 1, read_only=False)
    await accounts.open()
    try:
        user = await _user(Users(accounts, settings.refresh_token_s), settings, username)
        async with Redis.from_url(settings.redis_url.get_secret_value(), socket_timeout=TIMEOUT_S) as redis:
            return await LoginCodes(redis).issue(user.id)
    finally:
        await accounts.close()


async def _user(users: Users, settings: GatewaySettings, username: str) -> User:
    """The account of a name. A gateway creates GATEWAY_USER shortly after its start: wait for it. Raises UserError."""
    for _ in range(FIRST_ACCOUNT_TRIES if username == settings.gateway_user else 1):
        if found := await users.find(username):
            break
        await asyncio.sleep(0.2)
    if found is None or found[0].disabled:
        raise UserError(f"account {username!r} is unknown or disabled")
    return found[0]
