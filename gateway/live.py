"""The live page: its modules, the browser libraries that it uses, and its settings."""

from pathlib import Path
from typing import Any

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from gateway.api.access import Context
from gateway.encoding import json_response

PACKAGES = Path(__file__).resolve().parents[1]
PAGE = PACKAGES / "dashboard" / "live"
LIBRARIES = PACKAGES / "gateway" / "web" / "node_modules"
# Served names of the libraries' files; the page imports these and no others.
LIBRARY_FILES = {
    "socket.io.js": "socket.io-client/dist/socket.io.esm.min.js",
    "socket.io.LICENSE": "socket.io-client/LICENSE",
    "uplot.js": "uplot/dist/uPlot.esm.js",
    "uplot.css": "uplot/dist/uPlot.min.css",
    "uplot.LICENSE": "uplot/LICENSE",
    "lightweight-charts.js": "lightweight-charts/dist/lightweight-charts.standalone.production.mjs",
    "lightweight-charts.LICENSE": "lightweight-charts/LICENSE",
    "echarts.js": "echarts/dist/echarts.esm.min.js",
    "echarts.LICENSE": "echarts/LICENSE",
    "echarts.NOTICE": "echarts/NOTICE",
}
TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}
# The chart libraries set styles; nothing else comes from outside this server, and no page may frame it.
POLICY = "; ".join(
    (
        "default-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
# Modules and libraries are public: another host, such as the Streamlit dashboard, may import them.
HEADERS = {"Content-Security-Policy": POLICY, "Cache-Control": "no-cache", "Access-Control-Allow-Origin": "*"}

LIBRARY_HEADERS = HEADERS | {"Cache-Control": "max-age=600"}

router = APIRouter(prefix="/live", include_in_schema=False)


class PageFiles(StaticFiles):
    """The page's modules with its headers. Browsers revalidate each time, and get 304 while a file is unchanged."""

    def file_response(self, *arguments: Any, **options: Any) -> Response:
        response = super().file_response(*arguments, **options)
        response.headers.update(HEADERS)
        return response


@router.get("")
async def page() -> Response:
    """The page."""
    return FileResponse(PAGE / "index.html", headers=HEADERS)


@router.get("/")
async def page_with_slash() -> Response:
    """The address of the page has no slash at its end, since its links are relative to it."""
    return RedirectResponse("../live")


@router.get("/settings.json")
async def settings(context: Context) -> Response:
    """Settings of the page: `auth` is required or off; `time`: the gateway's clock, epoch ms.

    `stale_after_ms`: age from which a book is not trusted. `grafana_url`: Grafana's address, empty without one.
    """
    stale_after_ms = round(context.settings.stale_after_s * 1000)
    document = {
        "auth": context.settings.auth,
        "time": context.market.now_ms,
        "stale_after_ms": stale_after_ms,
        "grafana_url": context.settings.grafana_url,
    }
    response = json_response(document)
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


@router.get("/library/{name}")
async def library(name: str) -> Response:
    """One file of a browser library, or its licence."""
    path = LIBRARIES / LIBRARY_FILES.get(name, "unknown")
    if not path.is_file():
        raise HTTPException(404, f"no library file {name}: run make, or npm ci in gateway/web")
    return FileResponse(
        path, headers=LIBRARY_HEADERS, media_type=TYPES.get(path.suffix.replace(".mjs", ".js"), "text/plain")
    )


def page_files() -> StaticFiles:
    """The files of the page."""
    return PageFiles(directory=PAGE)
