"""The control port: faults on command, the market's halt, the truth of every book.

GET  /            what is simulated, and where
POST /faults      {"fault": "gap", "symbol": "BTCUSDT", "count": 2}   (`faults.py` has them all)
GET  /truth?symbol=BTCUSDT&depth=10
GET  /connections streams, and the frames sent and lost, of each connection
POST /market      {"running": false}
POST /steps       {"count": 3}   steps of every symbol
GET  /chain?underlying=BTC   every option's ticker, the index, each expiry's true forward
POST /roll        {"underlying": "BTC"}   the nearest expiry is over, a further one is listed
"""

from typing import TYPE_CHECKING, Any

import msgspec
from aiohttp import web

from ingestion.simulator.exchange import UnknownSymbolError
from ingestion.simulator.faults import Count, Fault

if TYPE_CHECKING:
    from ingestion.simulator.connection import Connection
    from ingestion.simulator.simulator import Simulator


class _Market(msgspec.Struct, forbid_unknown_fields=True):
    running: bool


class _Steps(msgspec.Struct, forbid_unknown_fields=True):
    count: Count = 1


class _Roll(msgspec.Struct, forbid_unknown_fields=True):
    underlying: str


def control_app(simulator: "Simulator") -> web.Application:
    """The application of the control port. What cannot be done is answered with 400 and why."""

    async def describe(request: web.Request) -> web.Response:
        config = simulator.config
        return _json(
            {"venue": config.venue, "symbols": config.traded, "chains": config.chains, "seed": config.seed}
            | {"ws_url": simulator.ws_url, "rest_url": simulator.rest_url, "control_url": simulator.control_url}
        )

    async def inject(request: web.Request) -> web.Response:
        fault: Fault = msgspec.json.decode(await request.read(), type=Fault)
        return _json({"connections": simulator.inject(fault)})

    async def truth(request: web.Request) -> web.Response:
        depth = request.query.get("depth")
        if depth is not None and (not depth.isdecimal() or not int(depth)):
            raise ValueError(f"expected depth to be a number above 0, got {depth!r}")
        return _json(simulator.truth(request.query.get("symbol", ""), int(depth) if depth else None)._asdict())

    async def connections(request: web.Request) -> web.Response:
        return _json([_described(connection) for connection in simulator.connections.values()])

    async def market(request: web.Request) -> web.Response:
        simulator.run_market(msgspec.json.decode(await request.read(), type=_Market).running)
        return _json({})

    async def steps(request: web.Request) -> web.Response:
        simulator.step(msgspec.json.decode(await request.read(), type=_Steps).count)
        return _json({})

    async def chain(request: web.Request) -> web.Response:
        listing = simulator.chain(request.query.get("underlying", ""))
        forwards = {part.expiry.label: listing.model.forward(part) for part in listing.model.slices}
        return _json(listing.index() | {"forwards": forwards, "tickers": list(listing.tickers())})

    async def roll(request: web.Request) -> web.Response:
        simulator.roll(msgspec.json.decode(await request.read(), type=_Roll).underlying)
        return _json({})

    app = web.Application(middlewares=[_explained])
    app.add_routes(
        [
            web.get("/", describe),
            web.post("/faults", inject),
            web.get("/truth", truth),
            web.get("/connections", connections),
            web.post("/market", market),
            web.post("/steps", steps),
            web.get("/chain", chain),
            web.post("/roll", roll),
        ]
    )
    return app


@web.middleware
async def _explained(request: web.Request, handler: Any) -> web.StreamResponse:
    try:
        answer: web.StreamResponse = await handler(request)
        return answer
    except (ValueError, UnknownSymbolError, msgspec.DecodeError) as error:
        return _json({"error": str(error)}, 400)


def _described(connection: "Connection") -> dict[str, Any]:
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
