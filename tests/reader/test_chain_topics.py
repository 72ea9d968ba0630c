"""Chain from the topics: an underlying without records is reported without reading the surfaces."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import pytest

from core.errors import UserError
from core.settings import Settings
from reader import chain_topics
from reader.chain_recording import read_recording
from reader.topic_admin import TopicRecord
from tests.recorded_frames import recorded_path


def test_an_unknown_underlying_is_reported_without_reading_surfaces(monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot = read_recording(recorded_path("fixtures/deribit/plain.jsonl"), "BTC")
    chains = [TopicRecord(0, 0, 0, b"", msgspec.json.encode(each)) for each in snapshot.expiries]
    surfaces = [TopicRecord(0, 0, 0, b"", msgspec.json.encode(each)) for each in snapshot.options]
    read: list[tuple[str, int]] = []

    @contextmanager
    def consumer(settings: Settings) -> Iterator[Any]:
        yield None

    def tail(kafka: Any, topic: str, count: int, follow: bool) -> list[TopicRecord]:
        read.append((topic, count))
        return chains if topic == "options.chain" else surfaces

    monkeypatch.setattr(chain_topics, "open_consumer", consumer)
    monkeypatch.setattr(chain_topics, "tail", tail)
    settings = Settings(_env_file=None, topic_prefix="")
    assert chain_topics.read_topics("BTC", settings).underlying == "BTC"
    read.clear()
    with pytest.raises(UserError, match="no complete second of FOO; its newest records are of BTC"):
        chain_topics.read_topics("FOO", settings)
    assert read == [("options.chain", 200), ("options.chain", 5_000)]
