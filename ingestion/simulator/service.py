"""The sockets of a simulated exchange: WebSocket and REST on one port of the loopback, control on another."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import count
from typing import TypeAlias

from aiohttp import web

from ingestion.simulator.config import HOST, Config
from ingestion.simulator.connection import Connection
from ingestion.simulator.control import control_app
from ingestion.simulator.simulator import Simulator
from market.errors import UserError

FAREWELL_S = 0.5
Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def simulator(config: Config) -> AsyncIterator[Simulator]:
    """A simulated exchange while the context lasts. Raises UserError where a port is in use."""
    running = Simulator(config)
    exchange = web.Application()
    exchange.router.add_route("*", "/{path:.*}", _exchange(running))
    runners = [web.AppRunner(app, shutdown_timeout=FAREWELL_S) for app in (exchange, control_app(running))]
    market = asyncio.create_task(running.pace.run())
    try:
        running.port = await _listen(runners[0], config.port)
        running.control_port = await _listen(runners[1], config.control_port)
        yield running
    finally:
        market.cancel()
        for connection in running.connections.values():
            connection.cut()
        for runner in runners:
            await runner.cleanup()
        await asyncio.gather(market, return_exceptions=True)


def _exchange(running: Simulator) -> Handler:
    numbers = count(1)

    async def serve(request: web.Request) -> web.StreamResponse:
        if running.around.conditions.down(running.clock()):
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=503)
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await _connect(running, next(numbers), request)
        return await _rest(running, request)

    return serve


async def _rest(running: Simulator, request: web.Request) -> web.Response:
    now, rest, conditions = running.clock(), running.front.rest, running.around.conditions
    rest.refusing = conditions.refuses_rest(now)
    answer = rest.answer(request.path, dict(request.query), now)
    if answer.snapshot:
        await asyncio.sleep(conditions.snapshot_delay(now))
    return web.Response(status=answer.status, body=answer.body, headers=answer.headers, content_type="application/json")


async def _connect(running: Simulator, number: int, request: web.Request) -> web.StreamResponse:
    now = running.clock()
    status = running.around.conditions.refuses_connections(now)
    if not running.connects.admit(now) or len(running.connections) >= running.limits.connections:
        status = 429
    session = None if status else running.front.session(request.path, dict(request.query), now)
    if session is None:
        return web.Response(status=status or 404)
    connection = running.connections[number] = Connection(number, session, running.around, request)
    try:
        return await connection.run()
    finally:
        del running.connections[number]


async def _listen(runner: web.AppRunner, port: int) -> int:
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, port).start()
    except OSError as error:
        raise UserError(f"port {port} of {HOST} cannot be had: {error.strerror}. Choose another one") from error
    address: tuple[str, int] = runner.addresses[0]
    return address[1]
