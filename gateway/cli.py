"""`depthflow serve`."""

from typing import Annotated, Any

import typer

app = typer.Typer()


@app.command()
def serve(
    port: Annotated[int | None, typer.Option(help="Port of REST; overrides SERVE_PORT.", min=1, max=65535)] = None,
    socket_port: Annotated[
        int | None, typer.Option(help="Port of the sockets; overrides SERVE_SOCKET_PORT.", min=1, max=65535)
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address to bind; overrides SERVE_HOST.")] = None,
) -> None:
    """Serve books, option chains and alerts over REST and live sockets until stopped.

    REST with its documentation at /api/docs is on port 8000, sockets are on 8002; the same port for both shares it.
    JWT_SECRET, READER_POSTGRES_DSN, ACCOUNTS_POSTGRES_DSN and REDIS_URL are needed; `depthflow up` generates them.

    Example: depthflow serve --port 8000
    """
    import uvloop

    from core.logs import configure
    from core.scrape_targets import scrape_target
    from gateway.server import serve as run
    from gateway.settings import GatewaySettings

    options: dict[str, Any] = {"serve_port": port, "serve_socket_port": socket_port, "serve_host": host}
    settings = GatewaySettings(**{name: value for name, value in options.items() if value is not None})
    configure(settings.log_level, "gateway", settings.log_format)
    with scrape_target(settings.home, "gateway", f"{settings.serve_host}:{settings.serve_port}"):
        uvloop.run(run(settings))
