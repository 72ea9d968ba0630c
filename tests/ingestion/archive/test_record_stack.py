"""`depthflow record` and `depthflow replay` against a real broker."""

from itertools import islice
from pathlib import Path
from uuid import uuid4

import pytest
from kafka import KafkaProducer
from typer.testing import CliRunner

from ingestion.archive.cli import Every, app
from ingestion.archive.recorder import Recorder
from ingestion.archive.writer import ArchiveError
from ingestion.generator import Generator, Plan
from ingestion.producer import ProducerConfig, RawProducer
from ingestion.recordings import open_recording
from ingestion.replay import play
from ingestion.routing import route
from ingestion.topics import ensure_topics
from market.records import Envelope
from market.topics import RAW_BOOKS, RAW_TRADES
from tests.conftest import Stack
from tests.ingestion.builders import encode

TOPICS = (RAW_BOOKS, RAW_TRADES)
NAMES = [topic.name for topic in TOPICS]


@pytest.fixture
def prefix(stack: Stack) -> str:
    """Raw topics of this test's own, before whose names it stands."""
    name = f"{uuid4().hex[:8]}-"
    ensure_topics(stack.kafka, 3, TOPICS, name)
    return name


def played(stack: Stack, prefix: str, start: int, stop: int) -> None:
    producer = RawProducer.connect(ProducerConfig(stack.kafka, prefix))
    play(islice(Generator(Plan()), start, stop), producer)
    producer.close()


def record(stack: Stack, prefix: str, root: Path) -> Recorder:
    recorder = Recorder(root, {"bootstrap_servers": stack.kafka}, NAMES, prefix)
    recorder.run(lambda: True, Every(3600), until_end=True)
    return recorder


def by_key(envelopes: list[Envelope]) -> dict[object, list[bytes]]:
    found: dict[object, list[bytes]] = {}
    for envelope in envelopes:
        found.setdefault(route(envelope.venue, envelope.channel, envelope.symbol), []).append(encode(envelope))
    return found


def test_what_was_played_is_recorded_and_a_second_run_goes_on(stack: Stack, prefix: str, tmp_path: Path) -> None:
    played(stack, prefix, 0, 1500)
    record(stack, prefix, tmp_path)
    played(stack, prefix, 1500, 2000)
    again = record(stack, prefix, tmp_path)
    assert sum(again.archive.written.values()) == 500
    assert by_key(list(open_recording(tmp_path))) == by_key(list(islice(Generator(Plan()), 2000)))


def test_a_recording_replayed_and_recorded_again_is_the_same(stack: Stack, prefix: str, tmp_path: Path) -> None:
    played(stack, prefix, 0, 1000)
    record(stack, prefix, tmp_path / "first")
    other = f"{prefix}again-"
    ensure_topics(stack.kafka, 2, TOPICS, other)
    producer = RawProducer.connect(ProducerConfig(stack.kafka, other))
    play(open_recording(tmp_path / "first"), producer)
    producer.close()
    record(stack, other, tmp_path / "second")
    first, second = (by_key(list(open_recording(tmp_path / name))) for name in ("first", "second"))
    assert first == second


def test_the_command_keeps_what_is_no_envelope(
    stack: Stack, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOPIC_PREFIX", prefix)
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", stack.kafka)
    with KafkaProducer(bootstrap_servers=stack.kafka) as producer:
        producer.send(prefix + RAW_BOOKS.name, b"garbage", b"key")
    result = CliRunner().invoke(app, [str(tmp_path), "--until-end", "--topics", RAW_BOOKS.name])
    assert result.exit_code == 0, result.output
    assert "orderbook.raw of unknown: 1 records" in result.stderr


def test_a_topic_made_anew_is_told_from_the_one_recorded(stack: Stack, prefix: str, tmp_path: Path) -> None:
    (tmp_path / "_positions.json").write_text('{"orderbook.raw":{"0":9}}')
    with pytest.raises(ArchiveError, match=r"orderbook.raw\[0\] ends at offset 0, the folder reaches 9"):
        record(stack, prefix, tmp_path)


def test_a_topic_that_is_missing_is_named(stack: Stack, tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match=r"no topic nosuch-orderbook.raw, nosuch-trades.raw"):
        record(stack, "nosuch-", tmp_path)
