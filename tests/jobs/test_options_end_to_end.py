"""Chains of a simulated exchange through forwarder, options job (process mode), analytics job and cache job.

Topics, tables, Redis and `depthflow chain` contain the same: the domain's output for the exchange's final state.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
from psycopg.rows import dict_row
from redis import Redis
from typer.testing import CliRunner

from core.envelope import InvalidRecord
from core.records import Alert, Status
from market.cache_messages import StateMessage
from market.options.cache_messages import chain_fields
from market.options.chain import Chain
from market.options.chain_batch import ChainConfig
from market.options.chain_records import chain_records
from market.options.priced_chain import price_chain
from market.options.records import ChainRecord, SurfaceRecord
from market.options.surface import build_surface
from market.options.surface_records import surface_records
from reader.chain_cli import app
from reader.chain_database import read_database, read_records
from reader.chain_snapshot import ChainSnapshot
from reader.chain_topics import read_topics
from simulator import Config, Simulator, simulator
from simulator.generator.chain import ChainShape
from simulator.venues.deribit.option_frames import notification
from tests.conftest import Stack
from tests.ingestion.forwarder.harness import kafka_forwarder, settings
from tests.jobs.chains import newest
from tests.jobs.isolated_system import IsolatedSystem, wait_until
from venues.deribit import OPTION_FEED
from venues.deribit.option_messages import parse
from venues.registry import open_chain_builder

CHAINS = ("ETH", "NIFTY")  # inverse, and linear like an equity index
SHAPE = ChainShape(3, 7)
OPTIONS = 2 * SHAPE.expiries * SHAPE.strikes
MIN_SECONDS = 4
TOPICS = ("options.chain", "options.surface", "underlying_ticks")
pytestmark = pytest.mark.timeout(900)  # several starts on a busy machine


@dataclass(frozen=True)
class Run:
    """System under test, and the frames with the final state of each chain of the halted exchange."""

    system: IsolatedSystem
    final_frames: dict[str, list[bytes]]


@pytest.fixture(scope="module")
def run(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    system = IsolatedSystem(stack, "chains.")
    with system.running("options", options=["-Dpython.execution-mode=process"]):
        with system.running("analytics", "cache"):
            yield Run(system, asyncio.run(run_exchange(system, tmp_path_factory.mktemp("spill"))))


async def run_exchange(system: IsolatedSystem, folder: Path) -> dict[str, list[bytes]]:
    """Run the exchange until the job has emitted some seconds of every chain, halt it, and await the last second."""
    where = {"kafka_bootstrap_servers": system.stack.kafka, "topic_prefix": system.settings.topic_prefix}
    async with simulator(Config("deribit", chains=CHAINS, chain_shape=SHAPE, rate=5)) as exchange:
        forwarder, stop = kafka_forwarder(settings(exchange, folder, chains=",".join(CHAINS), **where)), asyncio.Event()
        forwarding = asyncio.create_task(forwarder.run(stop))
        await asyncio.to_thread(wait_until, lambda: enough_seconds(system), "some seconds of every chain")
        exchange.run_market(False)
        final_frames = {name: list(frames(exchange, name)) for name in CHAINS}
        last = {f"deribit:{name}": exchange.chain(name).model.time // 1000 for name in CHAINS}
        await asyncio.to_thread(wait_until, lambda: last_seconds(system) == last, "the last second of every chain")
        stop.set()
        await forwarding
        return final_frames


def enough_seconds(system: IsolatedSystem) -> bool:
    ticks = system.read("underlying_ticks")
    return len(ticks) == len(CHAINS) and all(len(lines) >= MIN_SECONDS for lines in ticks.values())


def last_seconds(system: IsolatedSystem) -> dict[str, int]:
    """Start of the newest second that was emitted of each chain."""
    return {
        key: max(msgspec.json.decode(line)["event_time"] for line in lines) // 1000 - 1
        for key, lines in system.read("underlying_ticks").items()
    }


def frames(exchange: Simulator, name: str) -> Iterator[bytes]:
    """Frames with the current state of a chain: its instruments, every ticker, the index."""
    chain = exchange.chain(name)
    yield msgspec.json.encode({"jsonrpc": "2.0", "result": list(chain.instruments())})
    for row in chain.tickers():
        yield notification(f"ticker.{row['instrument_name']}.100ms", row)
    index = chain.index()
    yield notification(f"deribit_price_index.{index['index_name']}", index)


def expected_snapshot(name: str, frames: list[bytes], time: int) -> ChainSnapshot:
    """Chain of these frames at this time. Build-up classes are unknown, because they need an earlier sample."""
    chain = Chain(name, OPTION_FEED)
    for event in (event for frame in frames for event in parse(frame)):
        assert not isinstance(event, InvalidRecord), event
        chain.apply(event)
    priced = price_chain(chain.view(time))
    surface = build_surface(priced)
    options = surface_records("deribit", priced, surface, [None] * len(priced.view.layout.instruments))
    return ChainSnapshot.of(chain_records("deribit", priced, surface), options)


def without_build_up(chain: ChainSnapshot) -> ChainSnapshot:
    return ChainSnapshot(chain.expiries, [msgspec.structs.replace(option, build_up=None) for option in chain.options])


def stored(system: IsolatedSystem, name: str, time: int) -> bool:
    """True when all options of a second are in the database."""
    query = "SELECT count(*) FROM option_surface WHERE underlying = %s AND event_time = %s"
    with psycopg.connect(system.stack.postgres_dsn) as connection:
        return connection.execute(query, [name, time]).fetchone() == (OPTIONS,)


def rows(system: IsolatedSystem, name: str, table: str, record: Any, time: int) -> list[Any]:
    """Rows of one table of a chain up to this time, as records."""
    parameters = {"underlying": name, "ts": datetime.fromtimestamp(time / 1000, timezone.utc), "reach": 3600}
    with psycopg.connect(system.stack.postgres_dsn, row_factory=dict_row) as connection:
        return list(read_records(connection, table, parameters, record))


def in_order(found: list[Any]) -> list[Any]:
    return sorted(found, key=lambda record: (record.event_time, record.expiry, getattr(record, "instrument", "")))


@pytest.mark.parametrize("name", CHAINS)
def test_topics_and_tables_end_with_the_final_state_of_the_exchange(run: Run, name: str) -> None:
    snapshot = read_topics(name, run.system.settings)
    time = snapshot.expiries[0].event_time
    assert len(snapshot.options) == OPTIONS
    assert without_build_up(snapshot) == expected_snapshot(name, run.final_frames[name], time)
    wait_until(lambda: stored(run.system, name, time), "the newest second in the table")
    assert read_database(name, run.system.settings) == snapshot


@pytest.mark.parametrize("name", CHAINS)
def test_every_second_equals_the_output_of_the_domain(run: Run, name: str) -> None:
    key = f"deribit:{name}"
    builder = open_chain_builder(key, ChainConfig())
    batch, last = builder.apply_all(run.system.read("options.raw")[key]), builder.flush()
    lines = (batch.chains + last.chains, batch.surfaces + last.surfaces, batch.ticks + last.ticks)
    for topic, expected in zip(TOPICS, lines, strict=True):
        assert newest(run.system.read(topic)[key]) == newest(expected), topic


@pytest.mark.parametrize("name", CHAINS)
def test_the_tables_contain_every_record_of_the_topics_once(run: Run, name: str) -> None:
    time = read_topics(name, run.system.settings).expiries[0].event_time
    wait_until(lambda: stored(run.system, name, time), "the newest second in the table")
    tables = (("option_chain_metrics", ChainRecord), ("option_surface", SurfaceRecord))
    for topic, (table, record) in zip(TOPICS, tables, strict=False):
        lines = newest(run.system.read(topic)[f"deribit:{name}"]).values()
        expected = [msgspec.json.decode(line, type=record) for line in lines]
        assert in_order(rows(run.system, name, table, record, time)) == in_order(expected)


@pytest.mark.parametrize("name", CHAINS)
def test_redis_contains_the_newest_second_of_every_expiry(run: Run, name: str) -> None:
    lines = [line for topic in TOPICS[:2] for line in newest(run.system.read(topic)[f"deribit:{name}"]).values()]
    expected = {
        key: {field.encode(): line for field, (_, line) in fields.items()}
        for key, fields in chain_fields(lines).items()
    }
    assert len(expected) == SHAPE.expiries
    redis = Redis.from_url(run.system.stack.redis_url)
    wait_until(lambda: {key: redis.hgetall(key) for key in expected} == expected, f"Redis to contain {name}")
    assert all(0 < redis.ttl(key) <= 300 for key in expected)
    redis.close()


@pytest.mark.parametrize("name", CHAINS)
def test_redis_contains_the_newest_second_of_every_underlying(run: Run, name: str) -> None:
    (expected,) = list(newest(run.system.read("underlying_ticks")[f"deribit:{name}"]).values())[-1:]
    with Redis.from_url(run.system.stack.redis_url) as redis:
        wait_until(lambda: redis.get(f"underlying:deribit:{name}:latest") == expected, f"the newest second of {name}")


def test_a_state_reaches_redis_and_the_database_and_an_alert_redis(run: Run) -> None:
    status = Status("deribit", "SENT", 1_795_000_000_000, "gap", "missing_update")
    alert = Alert("a|1", "deribit", "SENT", "a", "high", "enter", 1, 1, 0.5, None, "sent")
    run.system.send(
        [
            ("orderbook.status", "deribit:SENT", msgspec.json.encode(status)),
            ("orderbook.alerts", "deribit:SENT", msgspec.json.encode(alert)),
        ]
    )
    with Redis.from_url(run.system.stack.redis_url) as redis:
        wait_until(lambda: redis.zscore("alerts:latest", msgspec.json.encode(alert)) == 1, "the alert in Redis")
        wait_until(lambda: redis.exists("status:deribit:SENT") > 0, "the state in Redis")
        found = msgspec.json.decode(redis.get("status:deribit:SENT") or b"", type=StateMessage)
    assert (found.state, found.reason, found.since) == ("gap", "missing_update", status.event_time)
    row = [
        (datetime.fromtimestamp(status.event_time / 1000, timezone.utc), "gap", "missing_update", found.record_offset)
    ]
    wait_until(lambda: stored_states(run.system, "SENT") == row, "the state in the table")


def stored_states(system: IsolatedSystem, symbol: str) -> list[Any]:
    query = (
        "SELECT since, state, reason, record_offset FROM book_states WHERE symbol = %s ORDER BY since, record_offset"
    )
    with psycopg.connect(system.stack.postgres_dsn) as connection:
        return connection.execute(query, [symbol]).fetchall()


@pytest.mark.parametrize("source", ["topic", "database"])
def test_depthflow_chain_shows_the_newest_second(run: Run, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    for variable, value in run.system.settings.environment().items():
        monkeypatch.setenv(variable, value)
    found = read_topics("NIFTY", run.system.settings)
    shown = CliRunner().invoke(app, ["NIFTY", "--from", source], catch_exceptions=False).stdout
    assert f"NIFTY options, {found.time:%Y-%m-%d %H:%M:%S} UTC" in shown
    assert len(shown.splitlines()) == 2 + SHAPE.expiries
