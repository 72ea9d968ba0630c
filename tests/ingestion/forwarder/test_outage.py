"""A broker outage under load: every frame arrives once, in order per key."""

import asyncio
from collections import defaultdict
from pathlib import Path

import msgspec
import pytest

from core.records import Envelope
from core.topics import RAW_BOOKS, RAW_TRADES
from ingestion.forwarder.settings import ForwardSettings
from simulator import Config, Simulator, simulator
from simulator.generator.market import MarketShape
from tests.broker import OwnBroker, own_broker, records
from tests.ingestion.forwarder.harness import eventually, kafka_forwarder, settings, time_limit
from tests.soak import SOAKING

SYMBOLS = tuple(f"S{number}USDT" for number in range(20))
FRAMES_PER_S = 2_000
OUTAGE_S = 60 if SOAKING else 10


def small_buffers(exchange: Simulator, broker: OwnBroker, folder: Path) -> ForwardSettings:
    return settings(exchange, folder, kafka_bootstrap_servers=broker.address, queue_mb=2, window_mb=1, drain_s=60)


@time_limit(OUTAGE_S + 210)
@pytest.mark.timeout(OUTAGE_S + 240)
async def test_a_broker_outage_loses_repeats_and_reorders_no_frame(tmp_path: Path) -> None:
    rate = FRAMES_PER_S / len(SYMBOLS)
    config = Config("binance", SYMBOLS, rate=rate, shape=MarketShape(levels=20, touched=4))
    with own_broker(tmp_path / "broker") as broker:
        async with simulator(config) as exchange:
            forwarder, stop = kafka_forwarder(small_buffers(exchange, broker, tmp_path)), asyncio.Event()
            task = asyncio.create_task(forwarder.run(stop))
            producer = forwarder.producers[0].client
            await eventually(lambda: producer.acknowledged_bytes > 0)
            await asyncio.to_thread(broker.stop)
            await asyncio.sleep(OUTAGE_S)
            await eventually(lambda: forwarder.producers[0].spill.count > 0)
            await asyncio.to_thread(broker.start)
            await eventually(lambda: not forwarder.producers[0].spill.count)
            exchange.run_market(False)
            sent = sum(sum(connection.sent.values()) for connection in exchange.connections.values())
            await eventually(lambda: sum(each.frames for each in forwarder.stats.streams.values()) == sent)
            stop.set()
            await task
        assert len(list(forwarded_frames(broker))) == sent
        assert not forwarder.stats.dropped


def forwarded_frames(broker: OwnBroker) -> list[Envelope]:
    """Frames of the raw topics; asserts that `seq` has no gap and no repetition per topic and symbol."""
    found, last = list[Envelope](), defaultdict[tuple[str, str], int](lambda: -1)
    for topic in (RAW_BOOKS.name, RAW_TRADES.name):
        for _, value in records(broker.address, topic):
            envelope = msgspec.json.decode(value, type=Envelope)
            assert envelope.seq == last[topic, envelope.symbol] + 1
            last[topic, envelope.symbol] = envelope.seq
            if envelope.channel not in ("connection", "snapshot"):
                found.append(envelope)
    return found
