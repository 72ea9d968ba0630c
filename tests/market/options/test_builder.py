"""A builder closes seconds by event time, and no input raises an exception."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw
from msgspec import json as msgspec_json

from core.records import Envelope, Status
from market.options.builder import ChainBuilder
from market.options.chain_batch import ChainBatch, ChainConfig
from market.options.records import ChainRecord, SurfaceRecord, UnderlyingTick
from tests.market.options.builders import CALL, EXPIRY, NOW, PUT, raw_record, ticker
from venues.deribit import OPTION_FEED
from venues.registry import open_chain_builder

ONE_SECOND = 1000


def new_builder(**config: int) -> ChainBuilder:
    return ChainBuilder("deribit", "BTC", ChainConfig(**config), OPTION_FEED)


def ticks(lines: list[bytes]) -> list[int]:
    return [msgspec_json.decode(line, type=UnderlyingTick).event_time for line in lines]


def test_a_second_closes_when_a_later_one_is_seen():
    batch = new_builder().apply_all(
        [ticker(), ticker(PUT, NOW + 400), ticker(time=NOW + 1100), ticker(time=NOW + 3200)]
    )
    assert ticks(batch.ticks) == [NOW + ONE_SECOND, NOW + 2 * ONE_SECOND]
    assert [msgspec_json.decode(line, type=SurfaceRecord).quote_time for line in batch.surfaces] == [
        NOW + 400,
        NOW,
        NOW + 400,
        NOW + 1100,
    ]


def test_instruments_of_other_chains_are_skipped():
    row = {"kind": "option", "strike": 100.0, "option_type": "call", "expiration_timestamp": EXPIRY}
    rows = [row | {"instrument_name": f"{chain}-27NOV26-100-C"} for chain in ("BTC", "SOL_USDC", "XRP_USDC")]
    batch = new_builder().apply_all([raw_record({"result": rows})])
    assert (batch.counts.applied, batch.rejects) == (1, [])


def test_a_late_ticker_closes_no_second_and_joins_the_current_one():
    builder = new_builder()
    builder.apply_all([ticker(time=NOW + 5000)])
    assert builder.apply_all([ticker(PUT, NOW)]).ticks == []
    (tick,) = (msgspec_json.decode(line, type=UnderlyingTick) for line in builder.flush().ticks)
    assert (tick.event_time, tick.options) == (NOW + 6000, 2)


def test_flush_emits_the_last_second_once_and_again_after_a_change():
    builder = new_builder()
    builder.apply_all([ticker()])
    assert len(builder.flush().chains) == 1
    assert builder.flush().chains == []
    builder.apply_all([ticker(PUT, NOW + 500)])
    batch = builder.apply_all([ticker(time=NOW + 1000)])
    assert ticks(batch.ticks) == [NOW + ONE_SECOND]
    assert msgspec_json.decode(batch.chains[0], type=ChainRecord).options == 2


def test_a_flush_within_a_second_does_not_change_its_build_up():
    values = [
        ticker(), ticker(PUT, NOW + 100), ticker(time=NOW + 1000, mark_price=0.06, open_interest=4.0),
        ticker(PUT, NOW + 1100, mark_price=0.06, open_interest=4.0), ticker(time=NOW + 5000),
    ]  # fmt: skip
    flushed, lines = new_builder(build_up_ms=2000), {}
    for value in values:
        for line in (*flushed.apply_all([value]).surfaces, *flushed.flush().surfaces):
            record = msgspec_json.decode(line, type=SurfaceRecord)
            lines[record.event_time, record.instrument] = line
    unflushed = new_builder(build_up_ms=2000)
    assert sorted(lines.values()) == sorted([*unflushed.apply_all(values).surfaces, *unflushed.flush().surfaces])


def test_repeated_tickers_change_nothing():
    builder = new_builder()
    builder.apply_all([ticker(), ticker(PUT)])
    builder.flush()
    batch = builder.apply_all([ticker(), ticker(PUT)])
    assert (batch.counts.applied, batch.counts.unchanged) == (0, 2)
    assert builder.flush().chains == []


@given(st.lists(st.tuples(st.sampled_from([CALL, PUT]), st.integers(0, 4000)), max_size=12), st.integers(1, 5))
@settings(max_examples=25)
def test_the_size_of_batches_changes_nothing(tickers, size):
    values = [ticker(name, NOW + time, mark_price=0.05 + time / 1e6) for name, time in tickers]
    one_batch = new_builder().apply_all(values)
    builder = new_builder()
    parts = [builder.apply_all(values[at : at + size]) for at in range(0, len(values), size)]
    for field in ("chains", "surfaces", "ticks"):
        assert [line for part in parts for line in getattr(part, field)] == getattr(one_batch, field)


BAD = {
    "null": None,
    "empty": b"",
    "invalid JSON": b"{",
    "invalid UTF-8": b"\xff\xfe",
    "no envelope": b'{"venue":"deribit"}',
    "another venue": raw_record({"result": []}, venue="kraken"),
    "no option": ticker("BTC-PERPETUAL"),
    "another chain": ticker("ETH-27NOV26-4000-C"),
    "negative interest": ticker(open_interest=-1),
    "text for a number": ticker(mark_price="x"),
    "from the future": raw_record(
        {"params": {"channel": f"ticker.{CALL}.raw", "data": {"instrument_name": CALL, "timestamp": NOW * 2}}}
    ),
    "no data": raw_record({"jsonrpc": "2.0"}),
    "another channel": raw_record({"params": {"channel": "trades.BTC", "data": []}}),
}


@pytest.mark.parametrize("value", BAD.values(), ids=BAD.keys())
def test_invalid_values_are_rejected_with_their_index_and_change_nothing(value):
    builder = new_builder()
    batch = builder.apply_all([ticker(), value, ticker(PUT)])
    (reject,) = batch.rejects
    assert (reject.index, batch.counts.rejected, batch.counts.applied) == (1, 1, 2)
    assert reject.reason
    assert len(builder.flush().surfaces) == 2


@settings(max_examples=200)
@given(st.binary(max_size=8), st.integers(0, 400), st.integers(0, 8))
def test_no_mutation_raises_or_opens_a_second_far_in_the_future(patch, at, cut):
    builder, value = new_builder(), ticker()
    builder.apply_all([value])
    builder.apply_all([value[:at] + patch + value[at + cut :]])
    assert all(time <= NOW + 3_700_000 for time in ticks(builder.flush().ticks))


def test_an_expired_ticker_is_only_counted():
    batch = new_builder().apply_all([ticker(time=EXPIRY)])
    assert (batch.counts.unchanged, batch.counts.applied, batch.rejects) == (1, 0, [])


def test_an_expiry_is_evicted_after_its_end():
    far = "BTC-4DEC26-70000-C"
    builder = new_builder()
    batch = builder.apply_all([ticker(), ticker(far), ticker(far, EXPIRY + 10), ticker(far, EXPIRY + 1010)])
    first, second = (msgspec_json.decode(line, type=UnderlyingTick) for line in batch.ticks)
    assert (first.expiries, second.expiries) == (2, 1)


def test_each_option_has_its_build_up():
    builder = new_builder()
    builder.apply_all([ticker(), ticker(time=NOW + 1000, mark_price=0.06, open_interest=4.0)])
    (line,) = builder.flush().surfaces
    assert msgspec_json.decode(line, type=SurfaceRecord).build_up == "long_build_up"


def test_a_chain_is_synced_by_its_first_quote():
    builder = new_builder()
    (begun,) = builder.apply_all([ticker(), ticker(PUT)]).statuses
    status = msgspec_json.decode(begun, type=Status)
    assert (status.state, status.symbol, status.reason, status.event_time) == ("synced", "BTC", "quoted", NOW)
    assert not builder.apply_all([ticker(time=NOW + 1000)]).statuses


def test_an_idle_chain_is_stale_once_and_then_synced():
    builder = new_builder()
    assert builder.mark_stale(NOW) is None
    builder.apply_all([ticker()])
    status = msgspec_json.decode(builder.mark_stale(NOW + 5000), type=Status)
    assert (status.state, status.symbol, status.reason, status.event_time) == ("stale", "BTC", "silence", NOW + 5000)
    assert builder.mark_stale(NOW + 9000) is None
    (resumed,) = builder.apply_all([ticker(PUT, NOW + 9500)]).statuses
    assert msgspec_json.decode(resumed, type=Status).state == "synced"


@pytest.mark.parametrize("key", [None, "", "deribit", "deribit:", "nyse:IBM"])
def test_an_invalid_key_rejects_everything_and_has_no_state(key: str | None):
    opened = open_chain_builder(key, ChainConfig())
    batch = opened.apply_all([ticker(), None])
    assert [(reject.index, reject.where) for reject in batch.rejects] == [(0, "key"), (1, "key")]
    assert (opened.flush(), opened.mark_stale(NOW), opened.journal()) == (ChainBatch(), None, None)


@pytest.mark.parametrize("underlying", ["B" * 10_000, "BTC\0", "BTC ETH", "БТЦ", "BTC\n"])
def test_a_key_with_an_unusable_underlying_rejects_everything_with_a_short_reason(underlying: str):
    (reject,) = open_chain_builder(f"deribit:{underlying}", ChainConfig()).apply_all([ticker()]).rejects
    assert reject.where == "key" and reject.reason.startswith("underlying: expected a name of")
    assert len(reject.reason) < 200


def test_a_valid_key_opens_a_chain():
    opened = open_chain_builder("deribit:BTC", ChainConfig())
    assert opened.apply_all([ticker()]).counts.applied == 1


def test_a_connection_event_is_not_a_frame():
    value = msgspec_json.encode(Envelope("deribit", "connection", "BTC", "c1", 0, NOW * 1000, event="connected"))
    batch = new_builder().apply_all([value])
    assert (batch.counts.frames, batch.rejects) == (1, [])


def test_a_recorded_reply_gives_the_whole_chain(summary_frame):
    builder = new_builder()
    value = msgspec_json.encode(
        Envelope("deribit", "book_summary", "BTC", "c1", 0, 1777404145026442, frame=Raw(summary_frame))
    )
    batch = builder.apply_all([value])
    assert (batch.counts.applied, batch.counts.rejected) == (908, 0)
    closed = builder.flush()
    assert (len(closed.chains), len(closed.surfaces), len(closed.ticks)) == (12, 908, 1)
