"""The control port: injects faults, halts the market, returns the reference book of every symbol.

GET  /            configuration and addresses
POST /faults      {"fault": "gap", "symbol": "BTCUSDT", "count": 2}   (all kinds: `faults.py`)
GET  /truth?symbol=BTCUSDT&depth=10
GET  /connections streams and counts of frames sent and lost, by connection
POST /market      {"running": false}
POST /plant       {"symbol": "BTCUSDT", "condition": "imbalance", "side": "bid", "seconds": 3}   returns its event time;
                  {"symbol": "BTCUSDT", "condition": "sweep", "side": "ask", "levels": 12}; also spread, wall, pull
POST /steps       {"count": 3}   steps of every symbol
GET  /chain?underlying=BTC   every option's ticker, the index, the model's forward of each expiry
POST /roll        {"underlying": "BTC"}   expires the nearest expiry and lists a further one
"""

from typing import TYPE_CHECKING, Any

import msgspec
from aiohttp import web

from simulator.exchange import UnknownSymbolError
from simulator.faults import Count, Fault
from simulator.plants import Plant

if TYPE_CHECKING:
    from simulator.connection import Connection
    from simulator.simulator import Simulator


class _Market(msgspec.Struct, forbid_unknown_fields=True):
    running: bool


class _Steps(msgspec.Struct, forbid_unknown_fields=True):
    count: Count = 1


class _Roll(msgspec.Struct, forbid_unknown_fields=True):
    underlying: str


def control_app(simulator: "Simulator") -> web.Application:
    """The application of the control port. A request that cannot be served gets status 400 and the reason."""

    async def describe(request: web.Request) -> web.Response:
        config = simulator.config
        return _json(
            {"venue": config.venue, "symbols": config.traded, "chains": config.chains, "seed": config.seed}
            | {"ws_url": simulator.ws_url, "rest_url": simulator.rest_url, "control_url": simulator.control_url}
        )

    async def inject(request: web.Request) -> web.Response:
        fault: Fault = msgspec.json.decode(await request.read(), type=Fault)
        return _json({"connections": simulator.inject(fault)})

    async def reference_book(request: web.Request) -> web.Response:
        depth = request.query.get("depth")
        if depth is not None and (not depth.isdecimal() or not int(depth)):
            raise ValueError(f"expected depth to be a number above 0, got {depth!r}")
        book = simulator.reference_book(request.query.get("symbol", ""), int(depth) if depth else None)
        return _json(book._asdict())

    async def connections(request: web.Request) -> web.Response:
        return _json([_describe(connection) for connection in simulator.connections.values()])

    async def market(request: web.Request) -> web.Response:
        simulator.run_market(msgspec.json.decode(await request.read(), type=_Market).running)
        return _json({})

    async def plant(request: web.Request) -> web.Response:
        return _json({"time_us": simulator.plant(msgspec.json.decode(await request.read(), type=Plant))})

    async def steps(request: web.Request) -> web.Response:
        simulator.step(msgspec.json.decode(await request.read(), type=_Steps).count)
        return _json({})

    async def chain(request: web.Request) -> web.Response:
        found = simulator.chain(request.query.get("underlying", ""))
        return _json(found.index() | {"forwards": found.forwards(), "tickers": list(found.tickers())})

    async def roll(request: web.Request) -> web.Response:
        simulator.roll(msgspec.json.decode(await request.read(), type=_Roll).underlying)
        return _json({})

    app = web.Application(middlewares=[_errors_as_json])
    app.add_routes(
        [
            web.get("/", describe),
            web.post("/faults", inject),
            web.get("/truth", reference_book),
            web.get("/connections", connections),
            web.post("/market", market),
            web.post("/plant", plant),
            web.post("/steps", steps),
            web.get("/chain", chain),
            web.post("/roll", roll),
        ]
    )
    return app


@web.middleware
async def _errors_as_json(request: web.Request, handler: Any) -> web.StreamResponse:
    try:
        response: web.StreamResponse = await handler(request)
        return response
    except (ValueError, UnknownSymbolError, msgspec.DecodeError) as error:
        return _json({"error": str(error)}, 400)


def _describe(connection: "Connection") -> dict[str, Any]:
    def counted(counter: dict[tuple[str, str], int]) -> dict[str, int]:
        return {f"{symbol} {kind}": frames for (symbol, kind), frames in counter.items() if frames}

    return {
        "connection": connection.number,
        "streams": list(connection.session.streams),
        "sent": counted(connection.sent),
        "lost": counted(connection.lost),
    }


def _json(value: Any, status: int = 200) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(value), content_type="application/json")
