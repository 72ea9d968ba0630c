"""`depthflow ring` over a real broker."""

import signal
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen
from uuid import uuid4

import msgspec
import pytest

from core.records import Status, TopOfBook
from reader import ring as open_ring
from ring.segment import RingError, WriterGone, path_of
from ring.view import Ring, State
from tests.conftest import Stack, free_ports
from tests.jobs.isolated_system import IsolatedSystem, wait_until
from tests.ring.builders import KEY, trade


def book(update_id: int) -> tuple[str, str, bytes]:
    record = TopOfBook("binance", "BTCUSDT", 7, 8, update_id, [(100.0, 1.0)], [(101.0, 2.0)])
    return "orderbook.books", KEY, msgspec.json.encode(record)


def update_id(ring: Ring) -> int:
    newest = ring.book(KEY)
    return newest.update_id if newest else 0


def test_the_ring_has_what_the_topics_have_until_the_command_ends(stack: Stack, tmp_path: Path) -> None:
    system, name = IsolatedSystem(stack, "ring."), f"test-{uuid4().hex[:8]}"
    status = msgspec.json.encode(Status("binance", "BTCUSDT", 3, "synced", "snapshot"))
    system.send([("orderbook.status", KEY, status), book(1)])
    broker = {"KAFKA_BOOTSTRAP_SERVERS": stack.kafka, "TOPIC_PREFIX": system.settings.topic_prefix}
    address = f"127.0.0.1:{free_ports(1)[0]}"
    options = ["--name", name, "--books", "binance:*", "--metrics-addr", address]
    command = [sys.executable, "-m", "stack", "ring", *options]
    with (tmp_path / "ring.log").open("wb") as log:
        process = subprocess.Popen(command, env=stack.environment | broker, stderr=log)
    try:
        wait_until(lambda: path_of(name).exists() or process.poll() is not None, "the segment", 60)
        ring = open_ring(name)
        wait_until(lambda: KEY in ring.keys() and update_id(ring) == 1, "the book of the last minute", 60)
        wait_until(lambda: ring[KEY].state == State("synced", 3), "the state", 60)
        system.send([book(2), ("trades", KEY, msgspec.json.encode(trade(5)))])
        wait_until(lambda: update_id(ring) == 2 and len(ring[KEY].trades()) == 1, "the next book and the trade", 60)
        with urlopen(f"http://{address}/metrics", timeout=5) as answer:
            shown = answer.read().decode()
        assert 'ring_records_total{topic="orderbook.books"} 2.0' in shown and "ring_books 1.0" in shown
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130, (tmp_path / "ring.log").read_text()
        with pytest.raises(WriterGone, match="has ended"):
            ring.book(KEY)
        with pytest.raises(RingError, match="no ring at"):
            open_ring(name)
    finally:
        process.kill()
        process.wait()
