"""The journal: little for a batch, nothing for nothing, and a keeper that goes on as if it had never stopped."""

import msgspec
import pytest

from market.journal import Append, Replace, UnknownVersion
from market.keeper import KeeperConfig, open_keeper
from tests.market.builders import Kraken, State, deribit, event, joined, keeper, play, rest, restored, rows, spot

DEEP = rest("binance", 10, bids=[(5000 - n, 1) for n in range(3000)], asks=[(5001 + n, 1) for n in range(3000)])


def test_a_keeper_that_changed_nothing_writes_nothing() -> None:
    opened = keeper("binance")
    assert isinstance(opened.journal(), Replace)
    opened.apply_all([None, b"{", *([spot(9, 10).replace(b"depth@100ms", b"bookTicker")] * 3)])
    assert opened.journal() is None


def test_a_batch_writes_what_it_touched_however_deep_the_book() -> None:
    opened = keeper("binance")
    opened.apply_all([DEEP])
    assert len(opened.journal().entry) > 90_000
    opened.apply_all([spot(n, n, bids=[(5000, n), (4999, n)]) for n in range(11, 61)])
    written = opened.journal()
    assert isinstance(written, Append) and len(written.entry) < 300


def test_a_journal_that_outgrew_its_book_is_replaced_by_one_entry() -> None:
    opened, kinds, size = keeper("binance"), [], 0
    opened.apply_all([rest("binance", 10)])
    for n in range(11, 300):
        opened.apply_all([spot(n, n, bids=[(100, n)])])
        written = opened.journal()
        size = len(written.entry) + (size if isinstance(written, Append) else 0)
        kinds.append(type(written))
        assert size < 10_000
    assert 2 <= kinds.count(Replace) < 30


def test_entries_of_another_version_are_refused_by_name() -> None:
    other = msgspec.msgpack.encode([99, b"", []])
    with pytest.raises(UnknownVersion, match="expected journal version 1, got 99"):
        open_keeper("binance:ETHUSDT", KeeperConfig(), [other])


def test_held_updates_survive_a_restore() -> None:
    values = [*(spot(n, n, bids=[(90, n)]) for n in range(11, 20)), rest("binance", 12), spot(20, 20)]
    batches = restored("binance", values, cuts=range(1, 11))
    assert [row["update_id"] for batch in batches for row in rows(batch)] == list(range(13, 21))


def test_held_updates_that_overflowed_stay_forgotten() -> None:
    values = [*(spot(n, n) for n in range(11, 20)), rest("binance", 10)]
    assert joined(restored("binance", values, range(1, 10), hold_frames=4)) == joined(
        [play("binance", *values, hold_frames=4)]
    )


def test_a_krakens_standby_survives_a_restore() -> None:
    a, b = Kraken(), Kraken("b")
    values = [a.snapshot(), b.snapshot(), b.update(bids=[(99, 1)]), a.update(checksum=7), b.update(bids=[(98, 1)])]
    assert joined(restored("kraken", values, range(1, 5))) == joined([play("kraken", *values)])


def test_an_episode_of_silence_is_not_said_again_after_a_restore() -> None:
    state, opened = State(), keeper("deribit")
    opened.apply_all([deribit(10)])
    state.write(opened.journal())
    assert opened.stale(5_000)
    state.write(opened.journal())
    assert open_keeper("deribit:BTC-PERPETUAL", KeeperConfig(), state.entries).stale(6_000) is None


def test_requests_go_on_at_their_own_pace_after_a_restore() -> None:
    values = [spot(n, n, at=n / 2) for n in range(1, 100)]
    assert joined(restored("binance", values, range(1, 99))) == joined([play("binance", *values)])


def test_a_kraken_connection_that_is_gone_stays_gone_after_a_restore() -> None:
    a, b = Kraken(), Kraken("b")
    values = [a.snapshot(), event("kraken", "disconnected", seq=1), b.snapshot(), b.update(bids=[(99, 2)])]
    assert joined(restored("kraken", values, range(1, 4))) == joined([play("kraken", *values)])
