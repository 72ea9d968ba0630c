"""A simulated exchange's chains through forwarder, options job (process mode), analytics and cache job.

Topics, tables, Redis and `depthflow chain` hold the same: what the domain code says of the exchange's truth.
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

from ingestion.generator.chain import ChainShape
from ingestion.generator.option_frames import notification
from ingestion.simulator import Config, Simulator, simulator
from market.envelope import Unusable
from market.options.batch import ChainConfig
from market.options.cached import chain_fields
from market.options.chain import Chain
from market.options.keeper import open_chain_keeper
from market.options.legs import surface_records
from market.options.model import price_chain
from market.options.records import ChainRecord, SurfaceRecord
from market.options.summary import chain_records
from market.options.surface import build_surface
from market.options.wire import parse
from reader.chain_cli import app
from reader.chain_database import read_database, records
from reader.chain_snapshot import Snapshot
from reader.chain_topics import read_topics
from tests.conftest import Stack
from tests.ingestion.forwarder.harness import settings
from tests.ingestion.forwarder.test_outage import made
from tests.jobs.chains import newest
from tests.jobs.desk import Desk, wait_until

CHAINS = ("ETH", "NIFTY")  # inverse, and linear like an equity index
SHAPE = ChainShape(3, 7)
OPTIONS = 2 * SHAPE.expiries * SHAPE.strikes
SECONDS_HEARD = 4
SAID = ("options.chain", "options.surface", "underlying_ticks")


@dataclass(frozen=True)
class Run:
    """Everything said, and the frames that the halted exchange would say of each chain."""

    desk: Desk
    truth: dict[str, list[bytes]]


@pytest.fixture(scope="module")
def run(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    desk = Desk(stack, "truth.")
    with desk.running("options", options=["-Dpython.execution-mode=process"]):
        with desk.running("analytics", "cache"):
            yield Run(desk, asyncio.run(heard(desk, tmp_path_factory.mktemp("spill"))))


async def heard(desk: Desk, folder: Path) -> dict[str, list[bytes]]:
    """Let the exchange run until the job has said some seconds of every chain, halt it, and wait for the last one."""
    where = {"kafka_bootstrap_servers": desk.stack.kafka, "topic_prefix": desk.settings.topic_prefix}
    async with simulator(Config("deribit", chains=CHAINS, chain_shape=SHAPE, rate=5)) as exchange:
        forwarder, stop = made(settings(exchange, folder, chains=",".join(CHAINS), **where)), asyncio.Event()
        forwarding = asyncio.create_task(forwarder.run(stop))
        await asyncio.to_thread(wait_until, lambda: heard_enough(desk), "some seconds of every chain")
        exchange.run_market(False)
        truth = {name: list(frames(exchange, name)) for name in CHAINS}
        last = {f"deribit:{name}": exchange.chain(name).model.time // 1000 for name in CHAINS}
        await asyncio.to_thread(wait_until, lambda: last_seconds(desk) == last, "the last second of every chain")
        stop.set()
        await forwarding
        return truth


def heard_enough(desk: Desk) -> bool:
    ticks = desk.read("underlying_ticks")
    return len(ticks) == len(CHAINS) and all(len(lines) >= SECONDS_HEARD for lines in ticks.values())


def last_seconds(desk: Desk) -> dict[str, int]:
    """The newest second said of each chain, by when it began."""
    return {
        key: max(msgspec.json.decode(line)["event_time"] for line in lines) // 1000 - 1
        for key, lines in desk.read("underlying_ticks").items()
    }


def frames(exchange: Simulator, name: str) -> Iterator[bytes]:
    """What the exchange would say of a chain now: its instruments, every ticker, the index."""
    chain = exchange.chain(name)
    yield msgspec.json.encode({"jsonrpc": "2.0", "result": list(chain.instruments())})
    for row in chain.tickers():
        yield notification(f"ticker.{row['instrument_name']}.100ms", row)
    index = chain.index()
    yield notification(f"deribit_price_index.{index['index_name']}", index)


def of_the_truth(name: str, said: list[bytes], time: int) -> Snapshot:
    """The chain of these frames as of then; what builds up is not known from one moment."""
    chain = Chain(name)
    for event in (event for frame in said for event in parse(frame)):
        assert not isinstance(event, Unusable), event
        chain.apply(event)
    model = price_chain(chain.view(time))
    surface = build_surface(model)
    legs = surface_records("deribit", model, surface, [None] * len(model.view.layout.instruments))
    return Snapshot.of(chain_records("deribit", model, surface), legs)


def unbuilt(chain: Snapshot) -> Snapshot:
    return Snapshot(chain.expiries, [msgspec.structs.replace(leg, build_up=None) for leg in chain.legs])


def stored(desk: Desk, name: str, time: int) -> bool:
    """Whether all options of a second are in the database."""
    query = "SELECT count(*) FROM option_surface WHERE underlying = %s AND event_time = %s"
    with psycopg.connect(desk.stack.postgres_dsn) as connection:
        return connection.execute(query, [name, time]).fetchone() == (OPTIONS,)


def rows(desk: Desk, name: str, table: str, record: Any, time: int) -> list[Any]:
    """A chain's rows of one table up to that time, as records."""
    wanted = {"underlying": name, "ts": datetime.fromtimestamp(time / 1000, timezone.utc), "reach": 3600}
    with psycopg.connect(desk.stack.postgres_dsn, row_factory=dict_row) as connection:
        return list(records(connection, table, wanted, record))


def in_order(found: list[Any]) -> list[Any]:
    return sorted(found, key=lambda each: (each.event_time, each.expiry, getattr(each, "instrument", "")))


@pytest.mark.parametrize("name", CHAINS)
def test_the_newest_second_of_topics_and_tables_is_the_truth(run: Run, name: str) -> None:
    told = read_topics(name, run.desk.settings)
    time = told.expiries[0].event_time
    assert len(told.legs) == OPTIONS
    assert unbuilt(told) == of_the_truth(name, run.truth[name], time)
    wait_until(lambda: stored(run.desk, name, time), "the table to have the newest second")
    assert read_database(name, run.desk.settings) == told


@pytest.mark.parametrize("name", CHAINS)
def test_every_second_is_what_the_domain_says_of_the_raw_records(run: Run, name: str) -> None:
    key = f"deribit:{name}"
    keeper = open_chain_keeper(key, ChainConfig())
    said, last = keeper.apply_all(run.desk.read("options.raw")[key]), keeper.flush()
    lines = (said.chains + last.chains, said.surfaces + last.surfaces, said.ticks + last.ticks)
    for topic, expected in zip(SAID, lines, strict=True):
        assert newest(run.desk.read(topic)[key]) == newest(expected), topic


@pytest.mark.parametrize("name", CHAINS)
def test_the_tables_hold_every_row_of_the_topics_once(run: Run, name: str) -> None:
    time = read_topics(name, run.desk.settings).expiries[0].event_time
    wait_until(lambda: stored(run.desk, name, time), "the table to have the newest second")
    tables = (("option_chain_metrics", ChainRecord), ("option_surface", SurfaceRecord))
    for topic, (table, record) in zip(SAID, tables, strict=False):
        lines = newest(run.desk.read(topic)[f"deribit:{name}"]).values()
        told = [msgspec.json.decode(line, type=record) for line in lines]
        assert in_order(rows(run.desk, name, table, record, time)) == in_order(told)


@pytest.mark.parametrize("name", CHAINS)
def test_redis_has_the_newest_second_of_every_expiry(run: Run, name: str) -> None:
    lines = [line for topic in SAID[:2] for line in newest(run.desk.read(topic)[f"deribit:{name}"]).values()]
    expected = {
        key: {field.encode(): line for field, (_, line) in fields.items()}
        for key, fields in chain_fields(lines).items()
    }
    assert len(expected) == SHAPE.expiries
    redis = Redis.from_url(run.desk.stack.redis_url)
    wait_until(lambda: {key: redis.hgetall(key) for key in expected} == expected, f"Redis to hold {name}", 30)
    assert all(0 < redis.ttl(key) <= 300 for key in expected)
    redis.close()


@pytest.mark.parametrize("source", ["topic", "database"])
def test_depthflow_chain_shows_it(run: Run, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    for variable, value in run.desk.settings.environment().items():
        monkeypatch.setenv(variable, value)
    found = read_topics("NIFTY", run.desk.settings)
    shown = CliRunner().invoke(app, ["NIFTY", "--from", source], catch_exceptions=False).stdout
    assert f"NIFTY options, {found.time:%Y-%m-%d %H:%M:%S} UTC" in shown
    assert len(shown.splitlines()) == 2 + SHAPE.expiries
