"""Names that programs outside rely on, compared with `contracts.json`: they change by adding.

An addition goes into the file by `python -m tests.test_contracts`, from the repository's root.
"""

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import pytest
from prometheus_client import CollectorRegistry
from pydantic_settings import BaseSettings

from core import records, topics
from core.resources import DATA
from core.settings import Settings
from dashboard.settings import DashboardSettings
from gateway.settings import GatewaySettings
from gateway.tools.settings import ClientSettings
from ingestion.forwarder.metrics import LatencyMetrics, StatsCollector
from ingestion.forwarder.settings import ForwardSettings
from jobs import alerts, books, cache, options
from market.cache_messages import ALERTS, NEWEST_ALERTS, StateMessage
from market.options import records as option_records
from market.options.cache_messages import chain_fields
from market.orderbook import cache_messages, tick_records
from notify import metrics as notifications
from notify.settings import NotifySettings
from simulator import Config, simulator
from stack.cli.main import COMMANDS, load
from stack.services.settings import StackSettings
from tests.ingestion.forwarder.harness import forwarding

PINNED = Path(__file__).with_name("contracts.json")
RECORDS = {
    "orderbook.raw, trades.raw, options.raw": records.Envelope,
    "orderbook.processed": records.Processed,
    "orderbook.books": records.TopOfBook,
    "trades": records.Trade,
    "orderbook.status": records.Status,
    "orderbook.resync": records.Resync,
    "orderbook.alerts": records.Alert,
    "deadletter": records.DeadLetter,
    "options.chain": option_records.ChainRecord,
    "options.surface": option_records.SurfaceRecord,
    "underlying_ticks": option_records.UnderlyingTick,
    "orderbook.ticks": tick_records.BookTick,
    "orderbook.ticks (trade)": tick_records.TradeTick,
    "orderbook.windows": tick_records.Window,
    "trades.bars": tick_records.TradeBar,
    "redis channel orderbook:VENUE:SYMBOL": cache_messages.BookMessage,
    "redis channel trades:VENUE:SYMBOL": cache_messages.TradeMessage,
    "redis key and channel status:VENUE:SYMBOL": StateMessage,
}
SETTINGS: tuple[type[BaseSettings], ...] = (
    Settings,
    ForwardSettings,
    DashboardSettings,
    GatewaySettings,
    NotifySettings,
    StackSettings,
    ClientSettings,
)


def fields(kind: type[msgspec.Struct]) -> list[str]:
    """JSON field names of a record, in order."""
    return [field.encode_name for field in msgspec.structs.fields(kind)]


def commands() -> Iterator[tuple[str, list[str]]]:
    """Every command of the command line with its options and arguments."""
    for name in COMMANDS:
        command = load(name)
        for sub, leaf in getattr(command, "commands", {name: command}).items():
            options = (
                [*param.opts, *param.secondary_opts] if param.param_type_name == "option" else [param.name.upper()]
                for param in leaf.params
            )
            yield name if sub == name else f"{name} {sub}", sorted(sum(options, []))


def tables() -> dict[str, list[str]]:
    """Columns of every table in `init-db.sql`, and the names of its views."""
    script = (DATA / "init-db.sql").read_text()
    bodies = re.findall(r"^CREATE TABLE IF NOT EXISTS (\w+) \($(.*?)^\);?", script, re.MULTILINE | re.DOTALL)
    columns = {name: re.findall(r"^  ([a-z]\w*) ", body, re.MULTILINE) for name, body in bodies}
    return columns | {"views": sorted(re.findall(r"^CREATE OR REPLACE VIEW (\w+)", script, re.MULTILINE))}


async def metrics() -> dict[str, str]:
    """Metric families of a forwarder and of notifications with their types.

    Labels appear with the first sample, so they are not here.
    """
    registry = CollectorRegistry()
    LatencyMetrics("binance", registry)
    with TemporaryDirectory() as folder:
        async with simulator(Config("binance")) as exchange, forwarding(exchange, Path(folder)) as running:
            registry.register(StatsCollector(running.forwarder))
            of_forwarder = {family.name: family.type for family in registry.collect()}
    return of_forwarder | {family.name: family.type for each in notifications.ALL for family in each.collect()}


def redis_names() -> list[str]:
    """Keys and channels of one book, its trades, state and alerts, and of one chain and expiry."""
    line = b'{"underlying":"BTC","expiry":1782460800000,"event_time":1}'
    kinds = "orderbook", "trades", "status", "alerts"
    named = [cache_messages.channel_names(kind, "binance:BTCUSDT", "binance") for kind in kinds]
    underlying = cache_messages.channel_names("underlying", "deribit:BTC", "binance")
    return [*sum(named, ()), *underlying, ALERTS, NEWEST_ALERTS, *chain_fields([line])]


def contracts() -> dict[str, Any]:
    """Everything that is pinned."""
    return {
        "topics": {topic.name: topic.config() for topic in topics.TOPICS},
        "records": {
            name: [field.encode_name for field in msgspec.structs.fields(kind)] for name, kind in RECORDS.items()
        },
        "tables": tables(),
        "redis": redis_names(),
        "metrics": asyncio.run(metrics()),
        "settings": sorted({name.upper() for kind in SETTINGS for name in kind.model_fields}),
        "commands": dict(commands()),
        "operator uids": [job.JOB for job in (books, options, alerts, cache)],
    }


@pytest.fixture(scope="module")
def current() -> dict[str, Any]:
    return contracts()


@pytest.mark.parametrize("kind", json.loads(PINNED.read_text()) if PINNED.exists() else [])
def test_names_are_as_pinned(current: dict[str, Any], kind: str) -> None:
    assert current[kind] == json.loads(PINNED.read_text())[kind]


def test_every_topic_has_a_record(current: dict[str, Any]) -> None:
    described = {topic for names in RECORDS for topic in names.split(", ")}
    written_by_sql = {"alert.rules"}
    assert set(current["topics"]) <= described | written_by_sql


if __name__ == "__main__":
    PINNED.write_text(json.dumps(contracts(), indent=1) + "\n")
