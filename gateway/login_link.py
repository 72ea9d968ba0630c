"""`depthflow login-link`: a link that opens the page of live books without a password."""

import asyncio
from typing import Annotated
from urllib.error import HTTPError
from urllib.request import urlopen

import typer
from psycopg import Error as DatabaseError
from psycopg_pool import PoolTimeout
from redis.exceptions import RedisError

from core.errors import UserError
from gateway.app import running
from gateway.context import build_gateway
from gateway.settings import GatewaySettings

EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "localhost"}
TIMEOUT_S = 5

app = typer.Typer()


@app.command()
def login_link(
    user: Annotated[str, typer.Option(help="Account that the link logs in to; GATEWAY_USER if it is not given.")] = "",
) -> None:
    """Print a link that opens the page of live books: it logs in once, within five minutes.

    The settings of the gateway are needed, which the local stack generates. Whoever has the link is that account.

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

    Raises UserError if there is no such account, it is disabled, or Redis or the database are away.
    """
    try:
        code = asyncio.run(_issue(settings, username or settings.gateway_user))
    except (RedisError, DatabaseError, PoolTimeout):
        raise UserError("Redis or the database is away: a login code cannot be stored") from None
    return f"{page_url(settings)}#code={code}"


async def _issue(settings: GatewaySettings, username: str) -> str:
    async with running(build_gateway(settings)) as gateway:
        await gateway.create_first_account()
        found = await gateway.users.find(username)
        if found is None or found[0].disabled:
            raise UserError(f"there is no account {username!r}, or it is disabled")
        return await gateway.codes.issue(found[0].id)
