"""A span rebuilt from the raw topics of a real broker."""

import json
import time
from itertools import islice
from uuid import uuid4

import pytest

from core.settings import Settings
from core.topics import RAW_BOOKS, RAW_TRADES
from gateway.replay.request import ReplayRequest, ReplayUnavailable
from gateway.replay.topic_records import topic_values
from gateway.replay.worker import replay_lines
from ingestion.producer import ProducerConfig, RawProducer
from ingestion.rebuild import Rebuild
from ingestion.replay import send_all
from ingestion.topics import ensure_topics
from market.orderbook.book_config import BookConfig
from simulator.frame_generator import Generator, Plan
from tests.conftest import Stack
from tests.gateway.replay.test_rebuilt import books

pytestmark = pytest.mark.stack
MINUTE_MS = 60_000


def test_the_topic_gives_the_values_of_rebuild(stack: Stack) -> None:
    prefix, now_ms = f"{uuid4().hex[:8]}-", int(time.time() * 1000)
    settings = Settings(_env_file=None, kafka_bootstrap_servers=stack.kafka, topic_prefix=prefix)
    span = ReplayRequest("kraken", "BTC/USD", now_ms - 2 * MINUTE_MS, now_ms + MINUTE_MS, now_ms - 2 * MINUTE_MS)
    with pytest.raises(ReplayUnavailable, match=f"there is no topic {prefix}orderbook.raw"):
        next(topic_values(span, settings))
    ensure_topics(stack.kafka, 3, (RAW_BOOKS, RAW_TRADES), prefix)
    frames = list(islice(Generator(Plan(start_us=1000 * (now_ms - MINUTE_MS))), 3000))
    producer = RawProducer.connect(ProducerConfig(stack.kafka, prefix))
    send_all(frames, producer)
    producer.close()
    wanted = [each for each in frames if (each.venue, each.symbol) == ("kraken", "BTC/USD")]
    rebuilt = map(json.loads, Rebuild(BookConfig()).records(wanted))
    records = {(each["update_id"], each["recv_us"]): each for each in rebuilt}
    found = [json.loads(each) for each in replay_lines(span, settings)]
    assert (found[0]["payload"]["source"], found[-1]["payload"]["complete"]) == ("topic", True)
    assert len(books(found)) > 50
    for book in books(found):
        record = records[book["update_id"], book["recv_us"]]
        assert {name: book[name] for name in record} == record
