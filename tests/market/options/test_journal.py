"""A builder restored from its journal continues as if no crash had happened."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw, msgpack
from msgspec import json as msgspec_json

from core.records import Envelope
from market.journal_entries import Append, Replace, UnknownVersion
from market.options.builder import ChainBuilder
from market.options.chain_batch import ChainConfig
from tests.market.options.builders import EXPIRY, NOW
from venues.deribit import OPTION_FEED

NAMES = ["BTC-27NOV26-70000-C", "BTC-27NOV26-70000-P", "BTC-4DEC26-70000-C"]
CONFIG = ChainConfig(build_up_ms=2000)


class State:
    """Keyed state of a job."""

    def __init__(self) -> None:
        self.entries: list[bytes] = []

    def save(self, builder: ChainBuilder) -> None:
        written = builder.journal()
        if isinstance(written, Replace):
            self.entries = [written.entry]
        elif isinstance(written, Append):
            self.entries.append(written.entry)

    def load(self) -> ChainBuilder:
        return ChainBuilder.restore("deribit", "BTC", CONFIG, OPTION_FEED, self.entries)


def raw_record(frame: object, time: int) -> bytes:
    raw = Raw(json.dumps(frame).encode())
    return msgspec_json.encode(Envelope("deribit", "ticker.raw", "BTC", "c1", 0, time * 1000, frame=raw))


def ticker(name: str, time: int, mark: float) -> bytes:
    data = {"instrument_name": name, "timestamp": time, "mark_price": mark, "open_interest": 100 * mark}
    data |= {"underlying_price": 70000.0, "underlying_index": "BTC-27NOV26", "best_bid_price": None}
    return raw_record({"params": {"channel": f"ticker.{name}.raw", "data": data}}, time)


def index(time: int, price: float) -> bytes:
    data = {"index_name": "btc_usd", "timestamp": time, "price": price}
    return raw_record({"params": {"channel": "deribit_price_index.btc_usd", "data": data}}, time)


times = st.one_of(st.integers(NOW, NOW + 6000), st.integers(EXPIRY - 1500, EXPIRY + 1500))
values = st.one_of(
    st.builds(ticker, st.sampled_from(NAMES), times, st.sampled_from([0.05, 0.06, 0.04])),
    st.builds(index, times, st.sampled_from([70000.0, 71000.0])),
)


def lines(batches) -> list[bytes]:
    return [line for batch in batches for line in (*batch.chains, *batch.surfaces, *batch.ticks, *batch.statuses)]


@settings(max_examples=40)
@given(st.lists(st.lists(values, max_size=4), max_size=6))
def test_a_crash_between_any_two_batches_changes_nothing(batches):
    state, uninterrupted, crashing = State(), ChainBuilder("deribit", "BTC", CONFIG, OPTION_FEED), []
    for batch in batches:
        builder = state.load()
        crashing.append(builder.apply_all(batch))
        state.save(builder)
    expected = [*(uninterrupted.apply_all(batch) for batch in batches), uninterrupted.flush()]
    assert lines([*crashing, state.load().flush()]) == lines(expected)


def test_no_entry_is_written_without_changes():
    builder = ChainBuilder("deribit", "BTC", CONFIG, OPTION_FEED)
    builder.apply_all([ticker(NAMES[0], NOW, 0.05)])
    assert isinstance(builder.journal(), Append)
    assert builder.journal() is None
    builder.apply_all([ticker(NAMES[0], NOW, 0.05)])
    assert builder.journal() is None


def test_an_index_price_alone_is_written():
    builder, state = ChainBuilder("deribit", "BTC", CONFIG, OPTION_FEED), State()
    for value in (ticker(NAMES[0], NOW, 0.05), index(NOW, 70000.0)):
        builder.apply_all([value])
        state.save(builder)
    assert b'"index_price":70000.0' in state.load().flush().ticks[0]


def test_the_entry_of_a_batch_does_not_grow_with_the_chain():
    def written(options: int) -> int:
        builder = ChainBuilder("deribit", "BTC", CONFIG, OPTION_FEED)
        builder.apply_all([ticker(f"BTC-27NOV26-{1000 + strike}-C", NOW, 0.05) for strike in range(options)])
        builder.journal()
        builder.apply_all([ticker("BTC-27NOV26-1000-C", NOW + 1, 0.06)])
        entry = builder.journal()
        assert isinstance(entry, Append)
        return len(entry.entry)

    assert written(300) == written(3) < 300


def test_the_journal_is_replaced_before_it_outgrows_the_chain():
    builder, state, sizes = ChainBuilder("deribit", "BTC", CONFIG, OPTION_FEED), State(), []
    for step in range(500):
        builder.apply_all([ticker(NAMES[step % 3], NOW + step, 0.05)])
        state.save(builder)
        sizes.append(sum(map(len, state.entries)))
    assert max(sizes) < 18_000
    assert len(state.entries) < 200
    assert lines([state.load().flush()]) == lines([builder.flush()])


def test_an_entry_of_another_version_is_refused():
    with pytest.raises(UnknownVersion, match="expected chain journal version 1, got 99"):
        ChainBuilder.restore("deribit", "BTC", CONFIG, OPTION_FEED, [msgpack.encode([99])])
