"""Simulated exchanges: WebSocket and REST servers with each venue's protocol over a seeded market.

    async with simulator(Config("binance")) as exchange:
        ...  # connect to exchange.ws_url, exchange.inject(Gap(symbol="BTCUSDT")), exchange.reference_book("BTCUSDT")

Parts, from the inside out: `generator` (models of markets and option chains), `publication` (a symbol's streams),
`session` (one connection's protocol, without a socket), `venues` (one exchange each), `registry` (all exchanges),
`faults` and `frame_faults`, `simulator` (the running exchange), `connection` and `service` (sockets), `control`
(the control port).
"""

from simulator.config import Config
from simulator.faults import (
    ClockSkew,
    Corrupt,
    Drop,
    Duplicate,
    Fault,
    Fillers,
    Freeze,
    Gap,
    Http520,
    IdReset,
    NoGoodbye,
    Refuse,
    Reorder,
    Restart,
    SilentStream,
    SlowSnapshot,
    WrongChecksum,
    WrongDigit,
)
from simulator.limits import Limits
from simulator.service import simulator
from simulator.simulator import FaultError, Simulator

__all__ = [
    "ClockSkew",
    "Config",
    "Corrupt",
    "Drop",
    "Duplicate",
    "Fault",
    "FaultError",
    "Fillers",
    "Freeze",
    "Gap",
    "Http520",
    "IdReset",
    "Limits",
    "NoGoodbye",
    "Refuse",
    "Reorder",
    "Restart",
    "SilentStream",
    "Simulator",
    "SlowSnapshot",
    "WrongChecksum",
    "WrongDigit",
    "simulator",
]
