"""Load generation and rates of the benchmarks, without a broker."""

from itertools import count
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from bench import offsets
from bench.load import output_batches, plan
from bench.offsets import Stalled, rates_until
from core import topics


def test_output_of_the_books_job_is_generated_batch_by_batch() -> None:
    batches = list(output_batches(plan("binance", 2, 20), 400))
    processed = [line for batch in batches if batch.topic == topics.PROCESSED for line in batch.lines]
    assert len(processed) > 300
    assert {batch.key for batch in batches} == {f"binance:{batch.symbol}" for batch in batches}


def test_a_rate_excludes_the_warm_up(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = count(0.0, 1.0)
    monkeypatch.setattr(offsets.time, "perf_counter", lambda: next(clock))
    monkeypatch.setattr(offsets.time, "sleep", lambda seconds: None)
    counted, rows = iter([0, 0, 0, 20, 60, 100]), iter([5, 13])
    assert rates_until("topic", 100, lambda: next(counted), lambda: next(rows)) == [40, 4]


def test_a_stalled_count_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = count(0.0, 100.0)
    monkeypatch.setattr(offsets.time, "perf_counter", lambda: next(clock))
    monkeypatch.setattr(offsets.time, "sleep", lambda seconds: None)
    with pytest.raises(Stalled, match="^topic has stayed at 7 of 100 records for 120 s"):
        rates_until("topic", 100, lambda: 7)


def test_a_new_topic_is_counted_once_its_leader_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([KafkaException(KafkaError(KafkaError.NOT_LEADER_FOR_PARTITION)), (0, 7)])

    class Client:
        def __init__(self, options: dict[str, str]) -> None:
            """Connect to nothing."""

        def list_topics(self, timeout: float) -> Any:
            return type("Listed", (), {"topics": {"topic": type("Topic", (), {"partitions": {0: None}})}})

        def get_watermark_offsets(self, place: TopicPartition, timeout: float) -> tuple[int, int]:
            answer = next(answers)
            if isinstance(answer, Exception):
                raise answer
            return answer

    monkeypatch.setattr(offsets, "Consumer", Client)
    monkeypatch.setattr(offsets.time, "sleep", lambda seconds: None)
    assert offsets.Counter("broker").count(["topic"]) == 7
