"""Comparison of topics with their definition in `core.topics`."""

from core.topics import PROCESSED, RAW_BOOKS
from ingestion.topics import Difference, compare_topic


def test_a_topic_as_defined_has_no_differences() -> None:
    assert list(compare_topic(RAW_BOOKS, 4, RAW_BOOKS.config() | {"partitions": "4", "segment.ms": "1"})) == []


def test_every_difference_names_expected_and_actual() -> None:
    actual = PROCESSED.config() | {"partitions": "2", "retention.ms": "1000"}
    differences = list(compare_topic(PROCESSED, 4, actual))
    assert Difference("orderbook.processed", "partitions", "4", "2") in differences
    assert [str(one) for one in differences if one.setting == "retention.ms"] == [
        "orderbook.processed: expected retention.ms=604800000, broker has 1000"
    ]


def test_a_setting_that_is_absent_is_a_difference() -> None:
    assert "broker has nothing" in str(next(compare_topic(RAW_BOOKS, 4, {})))
