"""`depthflow record` and `depthflow replay` against a real broker."""

from itertools import islice
from pathlib import Path
from uuid import uuid4

import pytest
from kafka import KafkaProducer
from typer.testing import CliRunner

from core.records import Envelope
from core.topics import RAW_BOOKS, RAW_TRADES
from ingestion.archive.cli import IntervalTimer, app
from ingestion.archive.recorder import Recorder
from ingestion.archive.writer import ArchiveError
from ingestion.producer import ProducerConfig, RawProducer
from ingestion.recordings import open_recording
from ingestion.replay import send_all
from ingestion.topics import ensure_topics
from simulator.frame_generator import Generator, Plan
from tests.conftest import Stack
from tests.ingestion.builders import encode
from venues.routing import route

TOPICS = (RAW_BOOKS, RAW_TRADES)
NAMES = [topic.name for topic in TOPICS]


@pytest.fixture
def prefix(stack: Stack) -> str:
    """Prefix of raw topics that belong to this test."""
    name = f"{uuid4().hex[:8]}-"
    ensure_topics(stack.kafka, 3, TOPICS, name)
    return name


def send_generated(stack: Stack, prefix: str, start: int, stop: int) -> None:
    producer = RawProducer.connect(ProducerConfig(stack.kafka, prefix))
    send_all(islice(Generator(Plan()), start, stop), producer)
    producer.close()


def record(stack: Stack, prefix: str, root: Path) -> Recorder:
    recorder = Recorder(root, {"bootstrap_servers": stack.kafka}, NAMES, prefix)
    recorder.run(lambda: True, IntervalTimer(3600), until_end=True)
    return recorder


def by_key(envelopes: list[Envelope]) -> dict[object, list[bytes]]:
    values: dict[object, list[bytes]] = {}
    for envelope in envelopes:
        values.setdefault(route(envelope.venue, envelope.channel, envelope.symbol), []).append(encode(envelope))
    return values


def test_replayed_records_are_archived_and_a_second_run_continues(stack: Stack, prefix: str, tmp_path: Path) -> None:
    send_generated(stack, prefix, 0, 1500)
    record(stack, prefix, tmp_path)
    send_generated(stack, prefix, 1500, 2000)
    again = record(stack, prefix, tmp_path)
    assert sum(again.archive.written.values()) == 500
    assert by_key(list(open_recording(tmp_path))) == by_key(list(islice(Generator(Plan()), 2000)))


def test_a_recording_replayed_and_recorded_again_is_the_same(stack: Stack, prefix: str, tmp_path: Path) -> None:
    send_generated(stack, prefix, 0, 1000)
    record(stack, prefix, tmp_path / "first")
    other = f"{prefix}again-"
    ensure_topics(stack.kafka, 2, TOPICS, other)
    producer = RawProducer.connect(ProducerConfig(stack.kafka, other))
    send_all(open_recording(tmp_path / "first"), producer)
    producer.close()
    record(stack, other, tmp_path / "second")
    first, second = (by_key(list(open_recording(tmp_path / name))) for name in ("first", "second"))
    assert first == second


def test_the_command_archives_records_that_are_not_envelopes(
    stack: Stack, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOPIC_PREFIX", prefix)
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", stack.kafka)
    with KafkaProducer(bootstrap_servers=stack.kafka) as producer:
        producer.send(prefix + RAW_BOOKS.name, b"garbage", b"key")
    result = CliRunner().invoke(app, [str(tmp_path), "--until-end", "--topics", RAW_BOOKS.name])
    assert result.exit_code == 0, result.output
    assert "orderbook.raw, venue unknown: 1 records" in result.stderr


def test_a_recreated_topic_is_distinguished_from_the_recorded_one(stack: Stack, prefix: str, tmp_path: Path) -> None:
    (tmp_path / "_positions.json").write_text('{"orderbook.raw":{"0":9}}')
    with pytest.raises(
        ArchiveError, match=r"orderbook.raw\[0\] ends at offset 0, but the folder contains offsets up to 8"
    ):
        record(stack, prefix, tmp_path)


def test_a_missing_topic_is_named(stack: Stack, tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match=r"missing topics: nosuch-orderbook.raw, nosuch-trades.raw"):
        record(stack, "nosuch-", tmp_path)
