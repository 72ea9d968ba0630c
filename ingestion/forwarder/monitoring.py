"""HTTP server of a forwarder with /health, /ready and /metrics."""

from collections.abc import Awaitable, Callable
from os import strerror

import structlog
from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from core.errors import UserError
from ingestion.forwarder.clock import now_us
from ingestion.forwarder.forwarder import Forwarder
from ingestion.forwarder.metrics import StatsCollector

SHUTDOWN_S = 1.0  # longest wait for requests that are being served, at a stop

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

log = structlog.get_logger("forwarder")


class AddressError(UserError):
    """The server cannot listen on the metrics address."""


class MonitoringServer:
    """The HTTP server.

    /health returns 200 while all producers, threads and tasks work. /ready returns 200 when everything is subscribed
    and every book has a recent frame; otherwise 503 with the reasons. `errors` counts requests that failed here: they
    get status 500, and the forwarder goes on.
    """

    def __init__(self, forwarder: Forwarder, registry: CollectorRegistry) -> None:
        self._forwarder = forwarder
        self._registry = registry
        self._runner: web.AppRunner | None = None
        self.port = 0
        self.errors = 0
        registry.register(StatsCollector(forwarder))

    async def start(self, address: str) -> None:
        """Listen on `host:port`; port 0 chooses a free one, see `port`. Raises AddressError."""
        host, _, port = address.rpartition(":")
        app = web.Application(middlewares=[self._count_errors])
        app.add_routes(
            [web.get("/health", self._health), web.get("/ready", self._ready), web.get("/metrics", self._metrics)]
        )
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_S)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, host or None, int(port)).start()
        except OSError as error:
            await self._runner.cleanup()
            raise AddressError(
                f"cannot listen on {address}: {strerror(error.errno) if error.errno else error}; "
                "choose another with --metrics-addr (METRICS_ADDR)"
            ) from error
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Close the server."""
        if self._runner is not None:
            await self._runner.cleanup()

    @web.middleware
    async def _count_errors(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPException:
            raise
        except Exception as error:
            self.errors += 1
            log.error("monitoring request failed", path=request.path, errors=self.errors, exc_info=error)
            return web.json_response({"error": f"{type(error).__name__}: {error}"}, status=500)

    async def _health(self, request: web.Request) -> web.Response:
        failures = self._forwarder.failures
        return web.json_response(
            {"status": "failed" if failures else "ok", "failures": failures}, status=503 if failures else 200
        )

    async def _ready(self, request: web.Request) -> web.Response:
        max_age_us = int(self._forwarder.plan.settings.fresh_within_s * 1e6)
        reasons = list(self._forwarder.stats.not_ready_reasons(now_us(), max_age_us))
        return web.json_response({"ready": not reasons, "reasons": reasons}, status=503 if reasons else 200)

    async def _metrics(self, request: web.Request) -> web.Response:
        return web.Response(body=generate_latest(self._registry), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})
