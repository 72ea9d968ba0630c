"""The broker goes away under load and comes back: every frame arrives, once, in order per key."""

import asyncio
import os
from collections import defaultdict
from pathlib import Path

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from ingestion.forwarder.cli import outlet
from ingestion.forwarder.forwarder import Forwarder
from ingestion.forwarder.operations import Timings
from ingestion.forwarder.resync import ResyncReader
from ingestion.forwarder.settings import ForwardSettings
from ingestion.generator.market import Shape
from ingestion.simulator import Config, Simulator, simulator
from ingestion.topics import ensure_topics
from market.kafka import python_client
from market.records import Envelope
from market.topics import RAW_BOOKS, RAW_TRADES, RESYNC
from tests.broker import OwnBroker, own_broker, records
from tests.ingestion.forwarder.harness import eventually, lasting, settings

SYMBOLS = tuple(f"S{number}USDT" for number in range(20))
FRAMES_PER_S = 2_000
AWAY_S = 60 if os.environ.get("DEPTHFLOW_SOAK") else 10


def prepared(exchange: Simulator, broker: OwnBroker, folder: Path) -> ForwardSettings:
    said = settings(exchange, folder, kafka_bootstrap_servers=broker.address, queue_mb=2, window_mb=1, drain_s=60)
    ensure_topics(broker.address, 4, (RAW_BOOKS, RAW_TRADES, RESYNC))
    return said


def made(said: ForwardSettings) -> Forwarder:
    timings = Timings(said.venue, CollectorRegistry())
    return Forwarder(said, [outlet(said, timings)], ResyncReader(python_client(said), said.topic_prefix))


@lasting(AWAY_S + 150)
@pytest.mark.timeout(AWAY_S + 180)
async def test_no_frame_is_lost_doubled_or_disordered_by_a_broker_that_was_away(tmp_path: Path) -> None:
    rate = FRAMES_PER_S / len(SYMBOLS)
    config = Config("binance", SYMBOLS, rate=rate, shape=Shape(levels=20, touched=4))
    with own_broker(tmp_path / "broker") as broker:
        async with simulator(config) as exchange:
            forwarder, stop = made(prepared(exchange, broker, tmp_path)), asyncio.Event()
            task = asyncio.create_task(forwarder.run(stop))
            producer = forwarder.outlets[0].producer
            await eventually(lambda: producer.acknowledged_bytes > 0)
            await asyncio.to_thread(broker.stop)
            await asyncio.sleep(AWAY_S)
            assert forwarder.outlets[0].spill.count, "the disk was not needed"
            await asyncio.to_thread(broker.start)
            await eventually(lambda: not forwarder.outlets[0].spill.count)
            exchange.run_market(False)
            sent = sum(sum(connection.sent.values()) for connection in exchange.connections.values())
            await eventually(lambda: sum(record.frames for record in forwarder.ledger.streams.values()) == sent)
            stop.set()
            await task
        assert len(list(check(broker))) == sent
        assert not forwarder.ledger.dropped


def check(broker: OwnBroker) -> list[Envelope]:
    """Frames of the topics, `seq` without a hole and without a repetition on every connection, topic and symbol."""
    found, last = list[Envelope](), defaultdict[tuple[str, str], int](lambda: -1)
    for topic in (RAW_BOOKS.name, RAW_TRADES.name):
        for _, value in records(broker.address, topic):
            envelope = msgspec.json.decode(value, type=Envelope)
            assert envelope.seq == last[topic, envelope.symbol] + 1
            last[topic, envelope.symbol] = envelope.seq
            if envelope.channel not in ("connection", "snapshot"):
                found.append(envelope)
    return found
