"""Exchanges that are not there: WebSocket and REST servers that speak each venue's protocol over a seeded market.

    async with simulator(Config("binance")) as exchange:
        ...  # connect to exchange.ws_url, exchange.inject(Gap(symbol="BTCUSDT")), exchange.truth("BTCUSDT")

Apart, from the inside out: `listing` (a symbol's streams), `session` (one connection's protocol, without a socket),
`faults` and `damage` (what goes wrong), `simulator` (what runs), `connection` and `service` (sockets), `control` (the
port to steer it by).
"""

from ingestion.simulator.config import Config
from ingestion.simulator.faults import (
    Checksum,
    Corrupt,
    Digit,
    Drop,
    Duplicate,
    Fault,
    Freeze,
    Gap,
    Refuse,
    Reorder,
    Restart,
    SlowSnapshot,
)
from ingestion.simulator.limits import Limits
from ingestion.simulator.service import simulator
from ingestion.simulator.simulator import FaultError, Simulator

__all__ = [
    "Checksum",
    "Config",
    "Corrupt",
    "Digit",
    "Drop",
    "Duplicate",
    "Fault",
    "FaultError",
    "Freeze",
    "Gap",
    "Limits",
    "Refuse",
    "Reorder",
    "Restart",
    "Simulator",
    "SlowSnapshot",
    "simulator",
]
