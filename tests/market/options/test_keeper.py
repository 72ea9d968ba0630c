"""One chain's key: seconds close by event time, and whatever the bytes, nothing is raised."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw
from msgspec import json as msgspec_json

from market.options.batch import ChainBatch, ChainConfig
from market.options.keeper import ChainKeeper, open_chain_keeper
from market.options.records import ChainRecord, SurfaceRecord, UnderlyingTick
from market.records import Envelope, Status
from tests.market.options.builders import CALL, EXPIRY, NOW, PUT, ticker, wrapped

ONE_SECOND = 1000


def keeper(**config: int) -> ChainKeeper:
    return ChainKeeper("deribit", "BTC", ChainConfig(**config))


def ticks(lines: list[bytes]) -> list[int]:
    return [msgspec_json.decode(line, type=UnderlyingTick).event_time for line in lines]


def test_a_second_closes_when_a_later_one_is_seen():
    batch = keeper().apply_all([ticker(), ticker(PUT, NOW + 400), ticker(time=NOW + 1100), ticker(time=NOW + 3200)])
    assert ticks(batch.ticks) == [NOW + ONE_SECOND, NOW + 2 * ONE_SECOND]
    assert [msgspec_json.decode(line, type=SurfaceRecord).quote_time for line in batch.surfaces] == [
        NOW + 400,
        NOW,
        NOW + 400,
        NOW + 1100,
    ]


def test_a_listing_of_other_chains_beside_ones_own_is_no_reject():
    row = {"kind": "option", "strike": 100.0, "option_type": "call", "expiration_timestamp": EXPIRY}
    rows = [row | {"instrument_name": f"{chain}-27NOV26-100-C"} for chain in ("BTC", "SOL_USDC", "XRP_USDC")]
    batch = keeper().apply_all([wrapped({"result": rows})])
    assert (batch.counts.applied, batch.rejects) == (1, [])


def test_a_late_ticker_closes_nothing_and_counts_for_the_present():
    k = keeper()
    k.apply_all([ticker(time=NOW + 5000)])
    assert k.apply_all([ticker(PUT, NOW)]).ticks == []
    (tick,) = (msgspec_json.decode(line, type=UnderlyingTick) for line in k.flush().ticks)
    assert (tick.event_time, tick.options) == (NOW + 6000, 2)


def test_flush_says_the_last_second_once_and_again_when_it_grows():
    k = keeper()
    k.apply_all([ticker()])
    assert len(k.flush().chains) == 1
    assert k.flush().chains == []
    k.apply_all([ticker(PUT, NOW + 500)])
    batch = k.apply_all([ticker(time=NOW + 1000)])
    assert ticks(batch.ticks) == [NOW + ONE_SECOND]
    assert msgspec_json.decode(batch.chains[0], type=ChainRecord).options == 2


def test_a_flush_in_the_middle_of_a_second_changes_no_build_up_of_the_whole_one():
    values = [
        ticker(), ticker(PUT, NOW + 100), ticker(time=NOW + 1000, mark_price=0.06, open_interest=4.0),
        ticker(PUT, NOW + 1100, mark_price=0.06, open_interest=4.0), ticker(time=NOW + 5000),
    ]  # fmt: skip
    hasty, said = keeper(build_up_ms=2000), {}
    for value in values:
        for line in (*hasty.apply_all([value]).surfaces, *hasty.flush().surfaces):
            record = msgspec_json.decode(line, type=SurfaceRecord)
            said[record.event_time, record.instrument] = line
    steady = keeper(build_up_ms=2000)
    assert sorted(said.values()) == sorted([*steady.apply_all(values).surfaces, *steady.flush().surfaces])


def test_repeated_tickers_change_nothing():
    k = keeper()
    k.apply_all([ticker(), ticker(PUT)])
    k.flush()
    batch = k.apply_all([ticker(), ticker(PUT)])
    assert (batch.counts.applied, batch.counts.unchanged) == (0, 2)
    assert k.flush().chains == []


@given(st.lists(st.tuples(st.sampled_from([CALL, PUT]), st.integers(0, 4000)), max_size=12), st.integers(1, 5))
@settings(max_examples=25)
def test_batches_change_nothing(heard, size):
    values = [ticker(name, NOW + time, mark_price=0.05 + time / 1e6) for name, time in heard]
    whole = keeper().apply_all(values)
    k = keeper()
    parts = [k.apply_all(values[at : at + size]) for at in range(0, len(values), size)]
    for field in ("chains", "surfaces", "ticks"):
        assert [line for part in parts for line in getattr(part, field)] == getattr(whole, field)


BAD = {
    "null": None,
    "empty": b"",
    "no JSON": b"{",
    "not UTF-8": b"\xff\xfe",
    "no envelope": b'{"venue":"deribit"}',
    "another venue": wrapped({"result": []}, venue="kraken"),
    "no option": ticker("BTC-PERPETUAL"),
    "another chain": ticker("ETH-27NOV26-4000-C"),
    "negative interest": ticker(open_interest=-1),
    "text for a number": ticker(mark_price="x"),
    "from the future": wrapped(
        {"params": {"channel": f"ticker.{CALL}.raw", "data": {"instrument_name": CALL, "timestamp": NOW * 2}}}
    ),
    "no data": wrapped({"jsonrpc": "2.0"}),
    "another channel": wrapped({"params": {"channel": "trades.BTC", "data": []}}),
}


@pytest.mark.parametrize("value", BAD.values(), ids=BAD.keys())
def test_bad_values_are_rejected_with_their_index_and_change_nothing(value):
    k = keeper()
    batch = k.apply_all([ticker(), value, ticker(PUT)])
    (reject,) = batch.rejects
    assert (reject.index, batch.counts.rejected, batch.counts.applied) == (1, 1, 2)
    assert reject.reason
    assert len(k.flush().surfaces) == 2


@settings(max_examples=200)
@given(st.binary(max_size=8), st.integers(0, 400), st.integers(0, 8))
def test_no_mutation_raises_or_opens_a_second_far_ahead(patch, at, cut):
    k, value = keeper(), ticker()
    k.apply_all([value])
    k.apply_all([value[:at] + patch + value[at + cut :]])
    assert all(time <= NOW + 3_700_000 for time in ticks(k.flush().ticks))


def test_an_expired_ticker_is_counted_and_nothing_else():
    batch = keeper().apply_all([ticker(time=EXPIRY)])
    assert (batch.counts.unchanged, batch.counts.applied, batch.rejects) == (1, 0, [])


def test_the_chain_forgets_an_expiry_that_is_over():
    far = "BTC-4DEC26-70000-C"
    k = keeper()
    batch = k.apply_all([ticker(), ticker(far), ticker(far, EXPIRY + 10), ticker(far, EXPIRY + 1010)])
    first, second = (msgspec_json.decode(line, type=UnderlyingTick) for line in batch.ticks)
    assert (first.expiries, second.expiries) == (2, 1)


def test_build_up_is_said_on_each_option():
    k = keeper()
    k.apply_all([ticker(), ticker(time=NOW + 1000, mark_price=0.06, open_interest=4.0)])
    (line,) = k.flush().surfaces
    assert msgspec_json.decode(line, type=SurfaceRecord).build_up == "long_build_up"


def test_a_silent_chain_is_said_to_be_stale_once_and_then_synced():
    k = keeper()
    assert k.stale(NOW) is None
    k.apply_all([ticker()])
    said = msgspec_json.decode(k.stale(NOW + 5000), type=Status)
    assert (said.state, said.symbol, said.reason, said.event_time) == ("stale", "BTC", "silence", NOW + 5000)
    assert k.stale(NOW + 9000) is None
    (again,) = k.apply_all([ticker(PUT, NOW + 9500)]).statuses
    assert msgspec_json.decode(again, type=Status).state == "synced"


@pytest.mark.parametrize("key", [None, "", "deribit", "deribit:", "nyse:IBM"])
def test_a_key_that_names_no_chain_rejects_everything_and_keeps_nothing(key: str | None):
    opened = open_chain_keeper(key, ChainConfig())
    batch = opened.apply_all([ticker(), None])
    assert [(reject.index, reject.where) for reject in batch.rejects] == [(0, "key"), (1, "key")]
    assert (opened.flush(), opened.stale(NOW), opened.journal()) == (ChainBatch(), None, None)


def test_a_key_that_names_a_chain_opens_it():
    opened = open_chain_keeper("deribit:BTC", ChainConfig())
    assert opened.apply_all([ticker()]).counts.applied == 1


def test_a_connection_event_is_no_frame():
    value = msgspec_json.encode(Envelope("deribit", "connection", "BTC", "c1", 0, NOW * 1000, event="connected"))
    batch = keeper().apply_all([value])
    assert (batch.counts.frames, batch.rejects) == (1, [])


def test_the_recorded_chain_in_one_frame(summary_frame):
    k = keeper()
    value = msgspec_json.encode(
        Envelope("deribit", "book_summary", "BTC", "c1", 0, 1777404145026442, frame=Raw(summary_frame))
    )
    batch = k.apply_all([value])
    assert (batch.counts.applied, batch.counts.rejected) == (908, 0)
    said = k.flush()
    assert (len(said.chains), len(said.surfaces), len(said.ticks)) == (12, 908, 1)
