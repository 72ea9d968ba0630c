"""`depthflow mcp`."""

from collections.abc import Callable
from functools import wraps
from importlib.metadata import version
from typing import Any

import typer

from core.errors import UserError
from gateway.tools.client import ApiClient
from gateway.tools.market_tools import MarketTools
from gateway.tools.settings import ClientSettings

INSTRUCTIONS = (
    "Order books, option chains and alerts of crypto exchanges, seconds old at most. Say so when an answer has "
    "trusted=false: the book is out of sync with its exchange. Begin with `products` for the names."
)
app = typer.Typer()


class MissingPackage(UserError):
    """The package mcp is not installed."""


@app.command()
def mcp() -> None:
    """Serve tools for language models (Model Context Protocol) on standard input and output.

    The tools products, book, spread, depth, chain, alerts and status ask the gateway at API_URL.

    Example: depthflow mcp
    """
    settings = ClientSettings()
    server(ApiClient(settings.api_url, *settings.account)).run("stdio")


def server(api: ApiClient) -> Any:
    """The server with its tools. Raises MissingPackage."""
    try:
        from mcp.server import MCPServer
        from mcp.server.mcpserver.exceptions import ToolError
    except ModuleNotFoundError:
        raise MissingPackage("`depthflow mcp` needs the package mcp: pip install 'depthflow[mcp]'") from None

    tools = MarketTools(api)
    found = MCPServer("depthflow", instructions=INSTRUCTIONS, version=version("depthflow"), log_level="WARNING")
    offered: tuple[Callable[..., dict[str, Any]], ...] = (
        *(tools.products, tools.book, tools.spread, tools.depth),
        *(tools.chain, tools.alerts, tools.status),
    )

    def with_error_texts(tool: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
        """The tool. The model gets the text of a UserError; any other error appears in the log alone."""

        @wraps(tool)
        def call(*arguments: Any, **options: Any) -> dict[str, Any]:
            try:
                return tool(*arguments, **options)
            except UserError as error:
                raise ToolError(str(error)) from None

        return call

    for tool in offered:
        found.tool()(with_error_texts(tool))
    return found
