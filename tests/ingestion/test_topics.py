"""What is promised of a topic against what a broker has."""

from ingestion.topics import Difference, differences
from market.topics import PROCESSED, RAW_BOOKS


def test_a_topic_as_promised_has_no_differences() -> None:
    assert list(differences(RAW_BOOKS, 4, RAW_BOOKS.config() | {"partitions": "4", "segment.ms": "1"})) == []


def test_every_difference_names_expected_and_actual() -> None:
    actual = PROCESSED.config() | {"partitions": "2", "retention.ms": "1000"}
    found = list(differences(PROCESSED, 4, actual))
    assert Difference("orderbook.processed", "partitions", "4", "2") in found
    assert [str(one) for one in found if one.setting == "retention.ms"] == [
        "orderbook.processed: expected retention.ms=604800000, broker has 1000"
    ]


def test_a_setting_that_is_absent_is_a_difference() -> None:
    assert "broker has nothing" in str(next(differences(RAW_BOOKS, 4, {})))
