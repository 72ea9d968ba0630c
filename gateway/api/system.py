"""Health, metrics and the page of the documentation."""

from pathlib import Path
from typing import Any

from fastapi import APIRouter
from fastapi.openapi.docs import get_swagger_ui_html
from psycopg import Error as DatabaseError
from psycopg_pool import PoolTimeout
from redis.exceptions import RedisError
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles

from gateway.api.access import Context
from gateway.api.documents import Health
from gateway.api.responses import answers
from gateway.context import Gateway
from gateway.encoding import json_response

OPEN: dict[str, Any] = {"security": []}
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
LIBRARY = Path(__file__).resolve().parents[1] / "web" / "node_modules" / "swagger-ui-dist"

router = APIRouter(tags=["system"])


@router.get(
    "/health",
    response_class=Response,
    responses=answers(Health, {"status": "ok", "parts": {}}),
    openapi_extra=OPEN,
)
async def health() -> Response:
    """The process runs."""
    return json_response(Health("ok", {}))


@router.get(
    "/ready",
    response_class=Response,
    responses=answers(Health, {"status": "ok", "parts": {"redis": True, "database": True}})
    | answers(Health, {"status": "redis unavailable", "parts": {"redis": False, "database": True}}, status=503),
    openapi_extra=OPEN,
)
async def ready(context: Context) -> Response:
    """Redis and the database answer; status 503 names the part that is unavailable."""
    parts = {"redis": await _redis_answers(context), "database": await _database_answers(context)}
    missing = [name for name, answers_now in parts.items() if not answers_now]
    response = json_response(Health(f"{', '.join(missing)} unavailable" if missing else "ok", parts))
    response.status_code = 503 if missing else 200
    return response


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"description": "Metrics.", "content": {"text/plain": {"example": "gateway_socket_clients 3.0"}}}},
    openapi_extra=OPEN,
)
async def metrics(context: Context) -> Response:
    """Metrics in Prometheus' text format."""
    return Response(context.metrics.exposition(), headers={"Content-Type": METRICS_TYPE})


@router.get("/api/docs", include_in_schema=False)
async def docs() -> Response:
    """The documentation; its libraries come from this server."""
    if not (LIBRARY / "swagger-ui-bundle.js").exists():
        text = "The libraries of this page are not installed: run make, or npm ci in gateway/web. See /openapi.json"
        return HTMLResponse(f"<!doctype html><title>depthflow</title><p>{text}</p>", 503)
    return get_swagger_ui_html(
        openapi_url="/openapi.json",
        title="depthflow",
        swagger_js_url="/api/docs/library/swagger-ui-bundle.js",
        swagger_css_url="/api/docs/library/swagger-ui.css",
        swagger_favicon_url="data:,",
    )


def library_files() -> StaticFiles:
    """The files of the documentation's libraries."""
    return StaticFiles(directory=LIBRARY, check_dir=False)


async def _redis_answers(context: Gateway) -> bool:
    try:
        return bool(await context.redis.ping())
    except RedisError:
        return False


async def _database_answers(context: Gateway) -> bool:
    try:
        return await context.reader.row("SELECT 1 AS one") is not None
    except (DatabaseError, PoolTimeout):
        return False
