"""Faults made from recorded lines and fixtures: lines left out, repeated, delayed or split over connections."""

import json
import re
from collections.abc import Iterable

import pytest

from market.orderbook.book_batch import Batch
from market.orderbook.book_config import BookConfig
from tests.market.orderbook.builders import statuses
from tests.venues import recorded as frames
from tests.venues.recorded import recorded
from venues.registry import open_builder

SPOT, USDM = "binance:ETHUSDT", "binance_usdm:BTCUSDT"
BOOKS = [(frames.SPOT_DAYS, SPOT), (frames.USDM, USDM), (frames.SPOT_FIXTURE, SPOT), (frames.USDM_FIXTURE, USDM)]
VENUES = pytest.mark.parametrize(("files", "key"), BOOKS)
SOME = 3_000  # lines that bridge the snapshot and continue for thousands of ids
BEFORE_GAP = 45  # lines of a fixture, all before its lost frame


def books(files: tuple[str, ...], key: str) -> list[bytes]:
    """Snapshot and depth lines of the start of a recording, without a gap."""
    count = BEFORE_GAP if files in frames.FIXTURES else SOME
    return [value for value in recorded(files)[key][: 10 * count] if b'"bookTicker"' not in value[:80]][:count]


def deribit_books(files: tuple[str, ...], key: str) -> list[bytes]:
    """Book lines of one instrument before its lost frame, if it has one."""
    return [value for value in recorded(files)[key] if b'"channel":"book' in value][:40]


def is_snapshot(value: bytes) -> bool:
    return b'"channel":"snapshot"' in value


def play(key: str, values: Iterable[bytes]) -> Batch:
    return open_builder(key, BookConfig()).apply_all(list(values))


def snapshot_at(values: list[bytes], place: int) -> list[bytes]:
    """The same lines with the snapshot at another place."""
    (snapshot,) = [value for value in values if is_snapshot(value)]
    others = [value for value in values if not is_snapshot(value)]
    return [*others[:place], snapshot, *others[place:]]


@VENUES
@pytest.mark.parametrize("place", [0, 60, 900])
def test_a_rest_line_that_comes_earlier_or_later_gives_the_same_records(
    files: tuple[str, ...], key: str, place: int
) -> None:
    values = books(files, key)
    assert [json.loads(line)["update_id"] for line in play(key, snapshot_at(values, place)).processed] == [
        json.loads(line)["update_id"] for line in play(key, values).processed
    ]


@VENUES
def test_a_repeated_rest_line_is_ignored(files: tuple[str, ...], key: str) -> None:
    values = books(files, key)
    (snapshot,) = [value for value in values if is_snapshot(value)]
    assert play(key, [*values, snapshot]).processed == play(key, values).processed


@VENUES
def test_without_the_rest_line_nothing_is_published_and_it_is_asked_for(files: tuple[str, ...], key: str) -> None:
    batch = play(key, [value for value in books(files, key) if not is_snapshot(value)])
    assert not batch.processed and not batch.statuses and 2 <= len(batch.resyncs) < 20


@VENUES
def test_one_depth_event_less_is_a_gap_at_the_next_one(files: tuple[str, ...], key: str) -> None:
    values = books(files, key)
    depth = [place for place, value in enumerate(values) if b'"depth@' in value]
    lost = depth[len(depth) // 2]
    batch = play(key, values[:lost] + values[lost + 1 :])
    assert statuses(batch) == ["synced snapshot", "gap sequence"]
    assert batch.processed == play(key, values[:lost]).processed


@VENUES
def test_every_line_twice_changes_nothing(files: tuple[str, ...], key: str) -> None:
    values = books(files, key)
    twice = [value for value in values for _ in range(2)]
    once = play(key, values)
    again = play(key, twice)
    assert (again.processed, again.trades, again.statuses) == (once.processed, once.trades, once.statuses)


@VENUES
def test_lines_divided_over_two_connections_change_nothing(files: tuple[str, ...], key: str) -> None:
    values = books(files, key)
    divided = [_renamed(value, "ab"[place % 3 == 0]) for place, value in enumerate(values)]
    assert play(key, divided).processed == play(key, values).processed


def _renamed(value: bytes, conn: str) -> bytes:
    return re.sub(rb'"conn":"[^"]*"', f'"conn":"{conn}"'.encode(), value, count=1)


KRAKEN = [
    (frames.KRAKEN, "kraken:BTC/USD"),
    (frames.KRAKEN, "kraken:ETH/USD"),
    (frames.KRAKEN_FIXTURE, "kraken:ETH/USD"),
]
DERIBIT = pytest.mark.parametrize(
    ("files", "key"),
    [(frames.DERIBIT, "deribit:BTC-24SEP21-8000-P"), (frames.DERIBIT_FIXTURE, "deribit:BTC-PERPETUAL")],
)


@pytest.fixture(params=KRAKEN)
def kraken(request: pytest.FixtureRequest) -> tuple[str, list[bytes]]:
    """Key and book lines of one symbol without a gap."""
    files, key = request.param
    return key, [value for value in recorded(files)[key] if b'"channel":"book' in value]


def _renumbered(values: Iterable[bytes]) -> list[bytes]:
    """As if nothing had been lost between exchange and forwarder's count."""
    return [re.sub(rb'"seq":\d+', f'"seq":{n}'.encode(), value, count=1) for n, value in enumerate(values)]


def test_a_lost_kraken_update_is_a_gap_at_the_next_line_by_the_count(kraken: tuple[str, list[bytes]]) -> None:
    key, values = kraken
    for lost in range(1, len(values) - 1):
        assert statuses(play(key, values[:lost] + values[lost + 1 : lost + 2])) == ["synced snapshot", "gap sequence"]


def test_the_checksum_alone_would_miss_28_of_219_lost_kraken_updates() -> None:
    caught = 0
    for key, lines in recorded(frames.KRAKEN).items():
        values = [value for value in lines if b'"channel":"book' in value]
        for lost in range(1, len(values)):
            batch = play(key, _renumbered(values[:lost] + values[lost + 1 : lost + 2]))
            caught += batch.counts.checksum_failures
    assert caught == 191


def test_kraken_numbers_without_trailing_zeros_fail_every_checksum(kraken: tuple[str, list[bytes]]) -> None:
    key, values = kraken
    stripped = re.sub(rb'("qty":\d+\.\d*?[1-9])0+(?=})', rb"\1", values[0])
    assert stripped != values[0]
    assert play(key, [stripped]).counts.checksum_failures == 1


@DERIBIT
def test_one_deribit_change_less_is_a_gap_at_the_next_one(files: tuple[str, ...], key: str) -> None:
    values = deribit_books(files, key)
    for lost in range(1, len(values) - 1):
        batch = play(key, values[:lost] + values[lost + 1 :])
        assert (len(batch.processed), batch.counts.gaps) == (lost, 1)


@DERIBIT
def test_deribit_lines_on_two_connections_are_applied_once(files: tuple[str, ...], key: str) -> None:
    values = deribit_books(files, key)
    both = [_renamed(value, conn) for value in values for conn in "ab"]
    batch = play(key, both)
    assert (len(batch.processed), batch.counts.gaps, batch.counts.skipped) == (len(values), 0, len(values))


def test_a_spot_book_that_lost_an_event_recovers_with_the_next_snapshot() -> None:
    values = books(frames.SPOT_DAYS, SPOT)
    whole = play(SPOT, values)
    ids = [json.loads(line)["update_id"] for line in whole.processed]
    (snapshot,) = [value for value in values if is_snapshot(value)]
    book = json.loads(whole.book or b"")
    late = {"lastUpdateId": ids[400], "bids": [["1.0", "1"]], "asks": [["9999.0", "1"]]}
    answer = json.dumps(json.loads(snapshot) | {"frame": late}, separators=(",", ":")).encode()
    depth = [place for place, value in enumerate(values) if b'"depth@' in value]
    batch = play(SPOT, [*values[: depth[300]], *values[depth[301] : depth[410]], answer, *values[depth[410] :]])
    after = [json.loads(line)["update_id"] for line in batch.processed]
    assert book and statuses(batch) == ["synced snapshot", "gap sequence", "synced snapshot"]
    assert after[-1] == ids[-1] and set(after) < set(ids)
