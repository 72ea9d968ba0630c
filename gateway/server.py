"""The servers of one process: REST and sockets, on two ports or on one."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

import structlog
import uvicorn
from psycopg import Error as DatabaseError
from psycopg_pool import PoolTimeout
from redis.asyncio import Redis

from core.errors import UserError
from gateway.app import build_app
from gateway.context import Gateway, build_gateway
from gateway.settings import GatewaySettings
from gateway.sockets.hub import Hub
from gateway.sockets.server import SocketServer
from gateway.sockets.stream import Stream
from ingestion.background import Background

SHUTDOWN_S = 5
RETRY_S = 2
BACKLOG = 2048

log = structlog.get_logger("gateway")


class Server(uvicorn.Server):
    """A server whose end is requested by `should_exit` alone; signals belong to `serve`."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(settings: GatewaySettings) -> None:
    """Serve until SIGTERM or SIGINT; then connections end within SHUTDOWN_S.

    Raises UserError for a taken port, and the failure of a background task, which ends the servers too.
    """
    gateway = build_gateway(settings)
    hub = Hub(gateway.market, _feed_client(settings), gateway.metrics)
    sockets = SocketServer(gateway, hub, allowed_origins(settings))
    # Sockets are on the port of REST as well, so that the live page needs no second origin.
    served = [(sockets.app(build_app(gateway)), settings.serve_port, "SERVE_PORT")]
    if settings.serve_socket_port != settings.serve_port:
        served.append((sockets.app(), settings.serve_socket_port, "SERVE_SOCKET_PORT"))
    listening = [(each, bind(settings.serve_host, port, name)) for each, port, name in served]
    servers = [Server(_config(each, settings)) for each, _ in listening]
    _stop_on_signals(servers)
    background = Background()
    async with _started(gateway, hub, sockets, background):
        await serve_all(servers, [listener for _, listener in listening], background)


async def serve_all(
    servers: Sequence[uvicorn.Server], listeners: Sequence[socket.socket], background: Background
) -> None:
    """Serve until all servers have ended. Raises the failure of a background task, after it has ended them."""

    def end(failed: "asyncio.Future[None]") -> None:
        if not failed.cancelled():
            failed.exception()
            for server in servers:
                server.should_exit = True

    failure = asyncio.ensure_future(background.wait())
    failure.add_done_callback(end)
    try:
        await asyncio.gather(*(each.serve([one]) for each, one in zip(servers, listeners, strict=True)))
    finally:
        failure.cancel()
    if background.failure is not None:
        raise background.failure


def allowed_origins(settings: GatewaySettings) -> list[str]:
    """Origins of pages that may connect: those of the gateway itself, and ALLOWED_ORIGINS."""
    names = {settings.serve_host, "localhost", "127.0.0.1"}
    ports = {settings.serve_port, settings.serve_socket_port}
    own = [f"http://{name}:{port}" for name in sorted(names) for port in sorted(ports)]
    return own + [each.strip() for each in settings.allowed_origins.split(",") if each.strip()]


def bind(host: str, port: int, setting: str) -> socket.socket:
    """A listening socket. Raises UserError that names the setting which moves the port."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise UserError(f"{host}:{port} cannot be bound ({error.strerror}): move it with {setting}") from None
    listener.listen(BACKLOG)
    return listener


@asynccontextmanager
async def _started(gateway: Gateway, hub: Hub, sockets: SocketServer, background: Background) -> AsyncIterator[None]:
    """The gateway's connections and background tasks."""
    await gateway.start()
    tasks = [
        background.run("distributor of messages", hub.run()),
        background.run("sweeper of sockets", sockets.sweep()),
        background.run("creator of the first account", _create_first_account(gateway), may_end=True),
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=1)
        await gateway.close()


async def _create_first_account(gateway: Gateway) -> None:
    """Create GATEWAY_USER as soon as the database answers."""
    while True:
        try:
            await gateway.create_first_account()
            return
        except (DatabaseError, PoolTimeout) as error:
            log.warning("database unavailable", error=type(error).__name__)
            await asyncio.sleep(RETRY_S)


def _stop_on_signals(servers: list[Server]) -> None:
    def stop() -> None:
        for server in servers:
            server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with suppress(NotImplementedError):
            loop.add_signal_handler(number, stop)


def _config(app: Any, settings: GatewaySettings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        ws=Stream,
        ws_per_message_deflate=False,
        ws_ping_interval=None,  # Socket.IO has its own
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies or None,
        timeout_graceful_shutdown=SHUTDOWN_S,
    )


def _feed_client(settings: GatewaySettings) -> Redis:
    """A client whose reads have no timeout, for the subscription."""
    client: Redis = Redis.from_url(settings.redis_url.get_secret_value(), socket_connect_timeout=2)
    return client
