"""The sockets of a simulated exchange: WebSocket and REST on one port of the loopback, control on another."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import count
from typing import TypeAlias

from aiohttp import web

from core.errors import UserError
from simulator.config import HOST, Config
from simulator.connection import Connection
from simulator.control import control_app
from simulator.faults import Http520
from simulator.simulator import Simulator

SHUTDOWN_S = 0.5
Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def simulator(config: Config) -> AsyncIterator[Simulator]:
    """A simulated exchange, served until the context ends. Raises UserError when a port is in use.

    An error of the market ends the task `market`, and is raised at the end of the context at the latest.
    """
    running = Simulator(config)
    exchange = web.Application()
    exchange.router.add_route("*", "/{path:.*}", _exchange(running))
    runners = [web.AppRunner(app, shutdown_timeout=SHUTDOWN_S) for app in (exchange, control_app(running))]
    market = running.market = asyncio.create_task(running.scheduler.run())
    try:
        running.port = await _listen(runners[0], config.host, config.port)
        running.control_port = await _listen(runners[1], HOST, config.control_port)
        yield running
    finally:
        market.cancel()
        for connection in running.connections.values():
            connection.cut()
        for runner in runners:
            await runner.cleanup()
        (ended,) = await asyncio.gather(market, return_exceptions=True)
        if isinstance(ended, Exception):
            raise ended


def _exchange(running: Simulator) -> Handler:
    numbers = count(1)

    async def serve(request: web.Request) -> web.StreamResponse:
        if running.context.active_faults.is_down(running.clock()):
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=503)
        if answer := running.context.active_faults.proxy_answer(running.clock()):
            return _proxy_page(answer)
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await _connect(running, next(numbers), request)
        return await _rest(running, request)

    return serve


def _proxy_page(fault: Http520) -> web.Response:
    """The page of a proxy that does not reach the exchange: HTML, not the venue's JSON."""
    headers = {} if fault.retry_after_s is None else {"Retry-After": str(fault.retry_after_s)}
    text = f"<html><title>{fault.status}: Web server is returning an unknown error</title></html>"
    return web.Response(status=fault.status, text=text, content_type="text/html", headers=headers)


async def _rest(running: Simulator, request: web.Request) -> web.Response:
    now, rest, active_faults = running.clock(), running.frontend.rest, running.context.active_faults
    rest.refusing = active_faults.refuses_rest(now)
    response = rest.respond(request.path, dict(request.query), running.context.event_time(now))
    if response.snapshot:
        await asyncio.sleep(active_faults.snapshot_delay(now))
    return web.Response(
        status=response.status, body=response.body, headers=response.headers, content_type="application/json"
    )


async def _connect(running: Simulator, number: int, request: web.Request) -> web.StreamResponse:
    now = running.clock()
    status = running.context.active_faults.refuses_connections(now)
    if not running.connects.admit(now) or len(running.connections) >= running.limits.connections:
        status = 429
    session = None if status else running.frontend.open_session(request.path, dict(request.query), now)
    if session is None:
        return web.Response(status=status or 404)
    connection = running.connections[number] = Connection(number, session, running.context, request)
    try:
        return await connection.run()
    finally:
        del running.connections[number]


async def _listen(runner: web.AppRunner, host: str, port: int) -> int:
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        raise UserError(f"cannot listen on port {port} of {host}: {error.strerror}. Choose another port") from error
    address: tuple[str, int] = runner.addresses[0]
    return address[1]
