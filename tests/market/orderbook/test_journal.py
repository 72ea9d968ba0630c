"""The journal: small entries, none without changes, and builders that continue from them as if never stopped."""

import json

import msgspec
import pytest

from market.journal_entries import Append, Replace, UnknownVersion
from market.orderbook.book_config import BookConfig
from tests.market.orderbook.builders import (
    JournalState,
    Kraken,
    batches_with_restores,
    build_batch,
    combined_output,
    deribit,
    event,
    new_builder,
    rest_snapshot,
    rows,
    spot,
)
from venues.registry import open_builder

DEEP = rest_snapshot(
    "binance", 10, bids=[(5000 - n, 1) for n in range(3000)], asks=[(5001 + n, 1) for n in range(3000)]
)
UPDATE_JOURNAL_BYTES = 80  # an update of the open tick


def test_a_builder_without_changes_writes_nothing() -> None:
    builder = new_builder("binance")
    assert isinstance(builder.journal(), Replace)
    builder.apply_all([None, b"{", *([spot(9, 10).replace(b"depth@100ms", b"bookTicker")] * 3)])
    assert builder.journal() is None


def test_an_entry_holds_only_the_changed_levels_of_a_deep_book() -> None:
    builder = new_builder("binance")
    builder.apply_all([DEEP])
    assert len(builder.journal().entry) > 90_000
    builder.apply_all([spot(n, n, bids=[(5000, n), (4999, n)]) for n in range(11, 61)])
    written = builder.journal()
    assert isinstance(written, Append) and len(written.entry) < 800 + 50 * UPDATE_JOURNAL_BYTES


def test_a_journal_that_outgrew_its_book_is_replaced_by_one_entry() -> None:
    builder, kinds, size = new_builder("binance"), [], 0
    builder.apply_all([rest_snapshot("binance", 10)])
    for n in range(11, 300):
        builder.apply_all([spot(n, n, bids=[(100, n)], at=n / 10)])
        written = builder.journal()
        size = len(written.entry) + (size if isinstance(written, Append) else 0)
        kinds.append(type(written))
        assert size < 20_000
    assert 2 <= kinds.count(Replace) < 30


def test_entries_of_another_version_are_rejected_with_both_versions() -> None:
    other = msgspec.msgpack.encode([99, b"", []])
    with pytest.raises(UnknownVersion, match="expected journal version 1, got 99"):
        open_builder("binance:ETHUSDT", BookConfig(), [other])


def test_pending_updates_survive_a_restore() -> None:
    values = [*(spot(n, n, bids=[(90, n)]) for n in range(11, 20)), rest_snapshot("binance", 12), spot(20, 20)]
    batches = batches_with_restores("binance", values, cuts=range(1, 11))
    assert [row["update_id"] for batch in batches for row in rows(batch)] == list(range(12, 21))


def test_pending_updates_dropped_by_an_overflow_do_not_return_after_a_restore() -> None:
    values = [*(spot(n, n) for n in range(11, 20)), rest_snapshot("binance", 10)]
    assert combined_output(batches_with_restores("binance", values, range(1, 10), max_pending=4)) == combined_output(
        [build_batch("binance", *values, max_pending=4)]
    )


def test_a_standby_book_survives_a_restore() -> None:
    a, b = Kraken(), Kraken("b")
    values = [a.snapshot(), b.snapshot(), b.update(bids=[(99, 1)]), a.update(checksum=7), b.update(bids=[(98, 1)])]
    assert combined_output(batches_with_restores("kraken", values, range(1, 5))) == combined_output(
        [build_batch("kraken", *values)]
    )


def test_a_stale_status_is_not_repeated_after_a_restore() -> None:
    state, builder = JournalState(), new_builder("deribit")
    builder.apply_all([deribit(10)])
    state.write(builder.journal())
    assert builder.mark_stale(5_000)
    state.write(builder.journal())
    assert open_builder("deribit:BTC-PERPETUAL", BookConfig(), state.entries).mark_stale(6_000) is None


def test_requests_keep_their_back_off_after_a_restore() -> None:
    values = [spot(n, n, at=n / 2) for n in range(1, 100)]
    assert combined_output(batches_with_restores("binance", values, range(1, 99))) == combined_output(
        [build_batch("binance", *values)]
    )


def test_a_closed_connection_stays_closed_after_a_restore() -> None:
    a, b = Kraken(), Kraken("b")
    values = [a.snapshot(), event("kraken", "disconnected", seq=1), b.snapshot(), b.update(bids=[(99, 2)])]
    assert combined_output(batches_with_restores("kraken", values, range(1, 4))) == combined_output(
        [build_batch("kraken", *values)]
    )


def test_a_journal_from_before_ticks_restores() -> None:
    values = [rest_snapshot("binance", 10), *(spot(n, n, bids=[(90, n)], at=n / 10) for n in range(11, 40))]
    builder = new_builder("binance")
    builder.apply_all(values[:15])
    written = builder.journal()
    assert written is not None
    entry = msgspec.msgpack.encode(msgspec.msgpack.decode(written.entry)[:5])
    restored = open_builder("binance:ETHUSDT", BookConfig(), [entry])
    batch, whole = restored.apply_all(values[15:]), build_batch("binance", *values)
    assert batch.processed == whole.processed[-len(batch.processed) :]
    assert json.loads(batch.ticks[0])["seq"] == 0 and json.loads(batch.ticks[0])["state"] == "synced"
    updates = [json.loads(line)["updates"] for line in batch.ticks]
    assert updates == [json.loads(line)["updates"] for line in whole.ticks[-len(updates) :]]
