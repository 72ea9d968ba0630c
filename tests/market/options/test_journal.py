"""A chain's keeper through crashes: what is restored goes on as if nothing had happened."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw, msgpack
from msgspec import json as msgspec_json

from market.journal import Append, Replace, UnknownVersion
from market.options.batch import ChainConfig
from market.options.keeper import ChainKeeper
from market.records import Envelope
from tests.market.options.builders import EXPIRY, NOW

NAMES = ["BTC-27NOV26-70000-C", "BTC-27NOV26-70000-P", "BTC-4DEC26-70000-C"]
CONFIG = ChainConfig(build_up_ms=2000)


class State:
    """The keyed state of a job."""

    def __init__(self) -> None:
        self.entries: list[bytes] = []

    def save(self, keeper: ChainKeeper) -> None:
        written = keeper.journal()
        if isinstance(written, Replace):
            self.entries = [written.entry]
        elif isinstance(written, Append):
            self.entries.append(written.entry)

    def load(self) -> ChainKeeper:
        return ChainKeeper.restore("deribit", "BTC", CONFIG, self.entries)


def wrapped(frame: object, time: int) -> bytes:
    raw = Raw(json.dumps(frame).encode())
    return msgspec_json.encode(Envelope("deribit", "ticker.raw", "BTC", "c1", 0, time * 1000, frame=raw))


def ticker(name: str, time: int, mark: float) -> bytes:
    data = {"instrument_name": name, "timestamp": time, "mark_price": mark, "open_interest": 100 * mark}
    data |= {"underlying_price": 70000.0, "underlying_index": "BTC-27NOV26", "best_bid_price": None}
    return wrapped({"params": {"channel": f"ticker.{name}.raw", "data": data}}, time)


def index(time: int, price: float) -> bytes:
    data = {"index_name": "btc_usd", "timestamp": time, "price": price}
    return wrapped({"params": {"channel": "deribit_price_index.btc_usd", "data": data}}, time)


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
    state, steady, crashing = State(), ChainKeeper("deribit", "BTC", CONFIG), []
    for batch in batches:
        keeper = state.load()
        crashing.append(keeper.apply_all(batch))
        state.save(keeper)
    expected = [*(steady.apply_all(batch) for batch in batches), steady.flush()]
    assert lines([*crashing, state.load().flush()]) == lines(expected)


def test_nothing_new_writes_nothing():
    keeper = ChainKeeper("deribit", "BTC", CONFIG)
    keeper.apply_all([ticker(NAMES[0], NOW, 0.05)])
    assert isinstance(keeper.journal(), Append)
    assert keeper.journal() is None
    keeper.apply_all([ticker(NAMES[0], NOW, 0.05)])
    assert keeper.journal() is None


def test_an_index_price_alone_is_kept():
    keeper, state = ChainKeeper("deribit", "BTC", CONFIG), State()
    for value in (ticker(NAMES[0], NOW, 0.05), index(NOW, 70000.0)):
        keeper.apply_all([value])
        state.save(keeper)
    assert b'"index_price":70000.0' in state.load().flush().ticks[0]


def test_what_a_batch_writes_does_not_grow_with_the_chain():
    def written(options: int) -> int:
        keeper = ChainKeeper("deribit", "BTC", CONFIG)
        keeper.apply_all([ticker(f"BTC-27NOV26-{1000 + strike}-C", NOW, 0.05) for strike in range(options)])
        keeper.journal()
        keeper.apply_all([ticker("BTC-27NOV26-1000-C", NOW + 1, 0.06)])
        entry = keeper.journal()
        assert isinstance(entry, Append)
        return len(entry.entry)

    assert written(300) == written(3) < 300


def test_the_journal_is_replaced_before_it_outgrows_the_chain():
    keeper, state, sizes = ChainKeeper("deribit", "BTC", CONFIG), State(), []
    for step in range(500):
        keeper.apply_all([ticker(NAMES[step % 3], NOW + step, 0.05)])
        state.save(keeper)
        sizes.append(sum(map(len, state.entries)))
    assert max(sizes) < 18_000
    assert len(state.entries) < 200
    assert lines([state.load().flush()]) == lines([keeper.flush()])


def test_an_entry_of_other_code_is_refused():
    with pytest.raises(UnknownVersion, match="expected chain journal version 1, got 99"):
        ChainKeeper.restore("deribit", "BTC", CONFIG, [msgpack.encode([99])])
