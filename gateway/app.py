"""The REST application."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.openapi.utils import get_openapi
from psycopg import Error as DatabaseError
from psycopg_pool import PoolTimeout
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core.errors import UserError
from gateway import live
from gateway.api import auth, books, login_codes, options, pipeline, replay, rules, system
from gateway.api.responses import schema_components
from gateway.context import Gateway
from gateway.metrics import GatewayMetrics
from gateway.problems import FieldError, Problem, problem_response

log = structlog.get_logger("gateway")
VERSION = "1"
SECURITY_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
)

OWN_HEADERS = ("Next", "Retry-After", "Depthflow-Age-Ms", "Depthflow-Trusted", "Depthflow-State")  # pages may read them


def build_app(gateway: Gateway) -> FastAPI:
    """The application of a gateway. The caller starts and closes the gateway."""
    app = FastAPI(
        title="depthflow",
        version=VERSION,
        summary="Order books, option chains and alerts: newest values and history.",
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        redirect_slashes=False,
    )
    app.state.gateway = gateway
    for each in (auth, login_codes, options, books, pipeline, replay, rules, system, live):
        app.include_router(each.router)
    app.mount("/api/docs/library", system.library_files())
    app.mount("/live", live.page_files())
    _handle_errors(app)
    app.add_middleware(Measured, metrics=gateway.metrics)
    if origins := [each.strip() for each in gateway.settings.allowed_origins.split(",") if each.strip()]:
        app.add_middleware(
            CORSMiddleware, allow_origins=origins, allow_methods=["*"], allow_headers=["*"], expose_headers=OWN_HEADERS
        )
    app.openapi = lambda: _document(app)  # type: ignore[method-assign]
    return app


@asynccontextmanager
async def running(gateway: Gateway) -> AsyncIterator[Gateway]:
    """A started gateway, closed at the end."""
    await gateway.start()
    try:
        yield gateway
    finally:
        await gateway.close()


def _handle_errors(app: FastAPI) -> None:
    async def on_problem(request: Request, error: Any) -> Response:
        return problem_response(error)

    async def on_invalid(request: Request, error: Any) -> Response:
        fields = [FieldError(_field(each["loc"]), each["msg"].removeprefix("Value error, ")) for each in error.errors()]
        detail = "; ".join(f"{each.field}: {each.detail}" for each in fields)
        return problem_response(Problem(422, detail, fields))

    async def on_http(request: Request, error: Any) -> Response:
        headers = {"Allow": _methods(app, request)} if error.status_code == 405 else error.headers
        return problem_response(Problem(error.status_code, str(error.detail), headers=headers))

    async def on_database(request: Request, error: Any) -> Response:
        log.warning("database failed", path=request.url.path, error=type(error).__name__)
        return problem_response(Problem(503, "the database is unavailable or too slow", headers={"Retry-After": "5"}))

    async def on_user_error(request: Request, error: Any) -> Response:
        return problem_response(Problem(503, str(error)))

    app.add_exception_handler(Problem, on_problem)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(DatabaseError, on_database)
    app.add_exception_handler(PoolTimeout, on_database)
    app.add_exception_handler(UserError, on_user_error)


def _methods(app: FastAPI, request: Request) -> str:
    """HTTP methods that the path of a request supports. Each method of a path is a route of its own."""
    routes = [
        each for each in app.routes if isinstance(each, Route) and each.matches(request.scope)[0] is not Match.NONE
    ]
    return ", ".join(sorted({method for route in routes for method in route.methods or ()}))


def _field(location: tuple[int | str, ...]) -> str:
    """Name of an invalid field: `username` for `body.username`, `body` for a body that is not JSON."""
    names = [str(each) for each in location[1:]] if len(location) > 1 else [str(each) for each in location]
    return ".".join(names)


class Measured:
    """Middleware that counts and times requests by route, and sets the headers that every answer has.

    It also answers requests that fail with 500. Starlette does that outside of every middleware.
    """

    def __init__(self, app: ASGIApp, metrics: GatewayMetrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, started = time.perf_counter(), False

        async def measured_send(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                given = {name for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(each for each in SECURITY_HEADERS if each[0] not in given)]
                path = getattr(scope.get("route"), "path", "unknown")
                self._metrics.requests.labels(path, message["status"]).inc()
                self._metrics.seconds.labels(path).observe(time.perf_counter() - began)
            await send(message)

        try:
            await self._app(scope, receive, measured_send)
        except Exception as error:
            if started:
                raise
            log.error("request failed", path=scope["path"], exc_info=error)
            failure = problem_response(Problem(500, "the gateway failed; its log has the cause"))
            await failure(scope, receive, measured_send)


def _document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, with the schemas of our answers in place of the framework's errors."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title, version=app.version, summary=app.summary, routes=app.routes, openapi_version="3.1.0"
        )
        schemas = document["components"]["schemas"]
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        schemas |= schema_components()
        app.openapi_schema = document
    return app.openapi_schema
