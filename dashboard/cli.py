"""`depthflow dashboard`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.errors import UserError

if TYPE_CHECKING:
    from dashboard.settings import DashboardSettings

APP = Path(__file__).with_name("app.py")
app = typer.Typer()


class MissingPackage(UserError):
    """The package streamlit is not installed."""


@app.command()
def dashboard(
    port: Annotated[int | None, typer.Option(help="Port; overrides DASHBOARD_PORT.", min=1, max=65535)] = None,
    host: Annotated[str | None, typer.Option(help="Address to bind; overrides DASHBOARD_HOST.")] = None,
) -> None:
    """Serve the dashboard until stopped: live pages, and history from the database with downloads.

    READER_POSTGRES_DSN is needed, and a running gateway: `depthflow up --serve` starts both, and this dashboard.
    The gateway must list this dashboard's address in its ALLOWED_ORIGINS; that of the local stack does.

    Example: depthflow dashboard --port 8501
    """
    try:
        from streamlit.web import bootstrap
    except ModuleNotFoundError:
        raise MissingPackage(
            "`depthflow dashboard` needs the package streamlit: pip install 'depthflow[dashboard]'"
        ) from None

    from dashboard.logs import configure_streamlit, log
    from dashboard.settings import DashboardSettings

    given: dict[str, Any] = {"dashboard_port": port, "dashboard_host": host}
    settings = DashboardSettings(**{name: value for name, value in given.items() if value is not None})
    options = streamlit_options(settings)
    bootstrap.load_config_options(options)
    configure_streamlit(settings)
    log.info("serving", url=f"http://{settings.dashboard_host}:{settings.dashboard_port}")
    bootstrap.run(str(APP), False, [], options)


def streamlit_options(settings: "DashboardSettings") -> dict[str, Any]:
    """Options of Streamlit: the address; no usage statistics, no requests to other hosts, no error texts in pages."""
    return {
        "server.address": settings.dashboard_host,
        "server.port": settings.dashboard_port,
        "server.headless": True,
        "server.fileWatcherType": "none",
        "server.runOnSave": False,
        "browser.gatherUsageStats": False,
        "client.toolbarMode": "minimal",
        "client.showErrorDetails": "type",
        "global.developmentMode": False,
        "logger.hideWelcomeMessage": True,
        "logger.level": settings.log_level,
    }
