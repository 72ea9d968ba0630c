"""Rebuilt books compared with the best levels, checksums and ids that the exchanges sent."""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from market.orderbook.book_batch import Counts
from market.orderbook.book_config import BookConfig
from market.orderbook.builder import BookBuilder
from tests.venues import recorded as frames
from tests.venues.recorded import recorded
from venues.registry import open_builder

TOUCH = ("best_bid", "best_bid_size", "best_ask", "best_ask_size")


@cache
def rebuilt(files: tuple[str, ...]) -> tuple[Counts, dict[str, BookBuilder], dict[str, list[dict[str, Any]]]]:
    """Everything in one batch a key: counts, builders and processed records."""
    counts, builders, rows = Counts(), {}, {}
    for key, values in recorded(files).items():
        builder = open_builder(key, BookConfig())
        batch = builder.apply_all(values)
        assert isinstance(builder, BookBuilder) and not batch.rejects
        counts += batch.counts
        builders[key], rows[key] = builder, [json.loads(line) for line in batch.processed]
    return counts, builders, rows


def tickers(values: list[bytes]) -> Iterator[tuple[int, int, tuple[float, ...]]]:
    """Place in the stream, id, and touch of every bookTicker."""
    for place, value in enumerate(values):
        if b'"bookTicker"' in value[:80]:
            data = json.loads(value)["frame"]["data"]
            yield place, data["u"], tuple(float(data[name]) for name in "bBaA")


def compared(files: tuple[str, ...]) -> list[bool]:
    """For every depth update whose id is that of a bookTicker: whether the touch is the same."""
    _, _, rows = rebuilt(files)
    same = []
    for key, values in recorded(files).items():
        touches = {row["update_id"]: tuple(row[name] for name in TOUCH) for row in rows[key]}
        same += [touches[ticked] == touch for _, ticked, touch in tickers(values) if ticked in touches]
    return same


ORACLES = [(frames.SPOT_DAYS, 1056), (frames.USDM, 629), (frames.SPOT_2021, 26), (frames.USDM_2021, 50)]
ORACLES += [(frames.SPOT_FIXTURE, 20), (frames.USDM_FIXTURE, 20)]


@pytest.mark.parametrize(("files", "at_least"), ORACLES)
def test_every_book_ticker_with_a_depth_updates_id_equals_the_rebuilt_touch(
    files: tuple[str, ...], at_least: int
) -> None:
    same = compared(files)
    assert all(same) and len(same) >= at_least


def test_the_days_of_spot_have_exactly_1056_comparisons_and_usdm_629() -> None:
    assert (len(compared(frames.SPOT_DAYS)), len(compared(frames.USDM))) == (1056, 629)


def test_503_of_the_629_on_usdm_follow_an_earlier_ticker() -> None:
    (values,) = recorded(frames.USDM).values()
    depth = {
        json.loads(value)["frame"]["data"]["u"]: place for place, value in enumerate(values) if b"depthUpd" in value
    }
    skipped = rebuilt(frames.USDM)[0].skipped
    seen = [ticked for place, ticked, _ in tickers(values) if place < depth.get(ticked, -1)]
    assert (len(seen), skipped) == (503, 4)


ALL = (frames.SPOT_DAYS, frames.SPOT_2021, frames.USDM, frames.USDM_2021, frames.KRAKEN, frames.DERIBIT)


@pytest.mark.parametrize("files", ALL)
def test_no_recording_has_a_gap_a_crossed_book_or_a_checksum_that_fails(files: tuple[str, ...]) -> None:
    counts, builders, _ = rebuilt(files)
    assert (counts.gaps, counts.crossed, counts.checksum_failures) == (0, 0, 0)
    assert all(builder.synced for builder in builders.values())


@pytest.mark.parametrize("files", frames.FIXTURES)
def test_a_fixture_has_one_gap_and_ends_in_sync(files: tuple[str, ...]) -> None:
    counts, builders, _ = rebuilt(files)
    assert (counts.gaps, counts.crossed, counts.surprises) == (1, 0, 0)
    assert counts.checksum_failures == (files == frames.KRAKEN_FIXTURE)
    assert all(builder.synced for builder in builders.values())


@pytest.mark.parametrize("files", frames.FIXTURES)
def test_trades_of_a_fixture_are_emitted_once(files: tuple[str, ...]) -> None:
    for key, values in recorded(files).items():
        builder = open_builder(key, BookConfig())
        first, second = builder.apply_all(values), builder.apply_all(values)
        assert len(first.trades) == second.counts.repeated_trades > 10
        assert not second.trades


def test_all_221_kraken_checksums_match() -> None:
    counts, _, _ = rebuilt(frames.KRAKEN)
    assert (counts.applied, counts.snapshots, counts.trades) == (221, 2, 1)


def test_all_36_deribit_changes_chain() -> None:
    counts, _, _ = rebuilt(frames.DERIBIT)
    assert (counts.applied - counts.snapshots, counts.snapshots, counts.skipped, counts.surprises) == (36, 10, 0, 0)


def test_two_quiet_deribit_books_are_empty_and_one_sided() -> None:
    _, _, rows = rebuilt(frames.DERIBIT)
    assert rows["deribit:ETH-27AUG21-4000-P"][0]["flags"] == ["empty"]
    assert rows["deribit:ETH-23JUL21-2300-C"][0]["flags"] == ["one_sided"]


def test_a_spot_snapshot_becomes_a_record_by_the_update_that_ends_at_it() -> None:
    _, _, rows = rebuilt(frames.SPOT_DAYS)
    counts, _, _ = rebuilt(frames.SPOT_DAYS)
    assert (len(rows["binance:ETHUSDT"]), counts.skipped, counts.held) == (6469, 1, 2)


@pytest.mark.parametrize("files", [frames.SPOT_DAYS, frames.USDM])
def test_trades_of_a_recording_are_emitted_once_when_it_is_played_twice(files: tuple[str, ...]) -> None:
    ((key, values),) = recorded(files).items()
    builder = open_builder(key, BookConfig())
    first, second = builder.apply_all(values), builder.apply_all(values)
    assert len(first.trades) == second.counts.repeated_trades > 6_000
    assert not second.trades and not second.processed
