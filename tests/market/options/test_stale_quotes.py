"""Old quotes: a chain is stale without new quotes, whatever else arrives, and stale quotes feed no forward or smile."""

import json
from typing import Any

import pytest
from msgspec import msgpack

from market.options.builder import ChainBuilder
from market.options.chain import Chain
from market.options.chain_batch import ChainBatch, ChainConfig
from market.options.chain_records import chain_records
from market.options.events import Instrument
from market.options.priced_chain import price_chain
from market.options.surface import build_surface
from market.options.surface_records import surface_records
from reader.chain_snapshot import ChainSnapshot
from tests.market.options.builders import EXPIRY, IN_A_WEEK, IN_TWO_WEEKS, NOW, add_smile, quote, raw_record, ticker
from tests.market.options.test_journal import State
from venues.deribit import OPTION_FEED

SECOND, HOUR = 1000, 3_600_000
STRIKES = [60_000.0, 65_000.0, 70_000.0, 75_000.0, 80_000.0]
NAMES = [f"BTC-27NOV26-{strike:.0f}-{kind}" for strike in STRIKES for kind in "CP"]


def tickers(time: int) -> list[bytes]:
    return [ticker(name, time + place) for place, name in enumerate(NAMES)]


def index(time: int, price: float = 50_000.0) -> bytes:
    data = {"index_name": "btc_usd", "price": price, "timestamp": time}
    return raw_record({"params": {"channel": "deribit_price_index.btc_usd", "data": data}}, time)


def listing(time: int) -> bytes:
    rows = [
        {"instrument_name": name, "expiration_timestamp": EXPIRY, "strike": 70_000.0 + place, "option_type": "call"}
        for place, name in enumerate(NAMES)
    ]
    return raw_record({"result": rows}, time)


def quoted_builder(stale_after_ms: int = 30_000) -> ChainBuilder:
    builder = ChainBuilder("deribit", "BTC", ChainConfig(stale_after_ms=stale_after_ms), OPTION_FEED)
    builder.apply_all(tickers(NOW))
    builder.flush()
    return builder


def states(batch: ChainBatch) -> list[tuple[str, int]]:
    statuses = map(json.loads, batch.statuses)
    return [(status["state"], status["event_time"] - NOW) for status in statuses]


def newest_chain(batch: ChainBatch) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(batch.chains[-1])
    return record


def test_a_chain_with_index_prices_alone_is_stale_after_the_timeout() -> None:
    builder = quoted_builder()
    batch = builder.apply_all([index(NOW + second * SECOND) for second in range(60)])
    assert states(batch) == [("stale", 31 * SECOND)]


def test_neither_a_listing_nor_an_index_price_nor_an_old_quote_ends_it() -> None:
    builder = quoted_builder()
    assert builder.mark_stale(NOW + 60 * SECOND) is not None
    late = raw_record({"result": [json.loads(tickers(NOW)[0])["frame"]["params"]["data"]]}, NOW + 301 * SECOND)
    batch = builder.apply_all([listing(NOW + 300 * SECOND), index(NOW + 301 * SECOND), late])
    assert (states(batch), builder.mark_stale(NOW + 360 * SECOND)) == ([], None)


def test_the_first_quote_is_the_return_and_has_its_time() -> None:
    builder = quoted_builder()
    builder.mark_stale(NOW + 60 * SECOND)
    returned = builder.apply_all([listing(NOW + 300 * SECOND), ticker(NAMES[0], NOW + 310 * SECOND)])
    assert states(returned) == [("synced", 310 * SECOND)]


def test_the_time_of_the_return_is_never_before_that_of_the_silence() -> None:
    builder = quoted_builder()
    builder.mark_stale(NOW + 60 * SECOND)  # by the clock of a host that is ahead
    assert states(builder.apply_all([ticker(NAMES[0], NOW + 58 * SECOND)])) == [("synced", 60 * SECOND)]


@pytest.mark.parametrize("offset", [-3700, -61, 61, 3700])
def test_copies_of_a_host_with_another_clock_leave_the_chain_in_sync(offset: int) -> None:
    builder, values = quoted_builder(), []
    for second in range(1, 120):
        value = ticker(NAMES[second % 10], NOW + second * SECOND)
        values += [value, received(value, offset, "b")]
    assert states(builder.apply_all(values)) == []
    lost = [received(index(NOW + second * SECOND), offset, "b") for second in range(120, 160)]
    assert [state for state, _ in states(builder.apply_all(lost))] == ["stale"]


def test_a_clock_that_was_ahead_for_a_moment_does_not_hide_the_silence() -> None:
    builder = quoted_builder()
    builder.apply_all([received(ticker(NAMES[0], NOW + SECOND), 3600, "a")])
    batch = builder.apply_all([index(NOW + second * SECOND) for second in range(2, 60)])
    assert states(batch) == [("stale", 33 * SECOND)]


def received(value: bytes, later_s: int, conn: str) -> bytes:
    """The same record, received on another connection and `later_s` later."""
    record = json.loads(value)
    return json.dumps(record | {"conn": conn, "recv_us": record["recv_us"] + later_s * 1_000_000}).encode()


def test_refused_quotes_are_no_quotes() -> None:
    builder = quoted_builder()
    batch = builder.apply_all([ticker(NAMES[0], NOW + second * SECOND, mark_price=-1) for second in range(1, 60)])
    assert states(batch) == [("stale", 31 * SECOND)]


def test_a_listed_chain_that_is_never_quoted_is_stale() -> None:
    builder = ChainBuilder("deribit", "BTC", ChainConfig(), OPTION_FEED)
    batch = builder.apply_all([listing(NOW), *(index(NOW + second * SECOND) for second in range(60))])
    assert states(batch) == [("stale", 31 * SECOND)]
    assert states(builder.apply_all([ticker(NAMES[0], NOW + 61 * SECOND)])) == [("synced", 61 * SECOND)]


def test_a_crash_does_not_restart_the_silence() -> None:
    values = [*tickers(NOW), *(index(NOW + second * SECOND) for second in range(60)), *tickers(NOW + 70 * SECOND)]
    whole, state, found = ChainBuilder("deribit", "BTC", ChainConfig(), OPTION_FEED), State(), []
    for value in values:
        builder = state.load()
        found += states(builder.apply_all([value]))
        state.save(builder)
    expected = [("synced", 0), ("stale", 31 * SECOND), ("synced", 70 * SECOND)]
    assert found == states(whole.apply_all(values)) == expected


def test_a_journal_of_an_older_version_is_read_and_counts_silence_from_its_first_record() -> None:
    """Written before the fields `quoted_us`, `stale_ms` and `refused` were appended."""
    instrument = Instrument(NAMES[0], "BTC", EXPIRY, 60_000.0, True, False)
    entry = [1, [NOW // SECOND, False, False], [0, 0.0], [], [[instrument, NOW, b"\0" * 96]], []]
    builder = ChainBuilder.restore("deribit", "BTC", ChainConfig(), OPTION_FEED, [msgpack.encode(entry)])
    assert states(builder.apply_all([index(NOW + 600 * SECOND)])) == []
    assert states(builder.apply_all([index(NOW + 640 * SECOND)])) == [("stale", 640 * SECOND)]


def test_records_of_hours_old_quotes_have_no_forward_and_say_their_age() -> None:
    builder = quoted_builder()
    batch = builder.apply_all([index(NOW + 2 * HOUR + place * SECOND) for place in range(3)])
    chain = newest_chain(batch)
    assert (chain["forward"], chain["atm_iv"], chain["straddle"], chain["svi_a"]) == (None,) * 4
    assert {"no_forward", "stale_quotes"} <= set(chain["flags"])
    assert (chain["quote_age_ms"] // HOUR, chain["stale_options"], chain["index_price"]) == (2, 10, 50_000.0)
    option = json.loads(batch.surfaces[-1])
    assert "stale_quotes" in option["flags"] and option["quote_age_ms"] == option["event_time"] - option["quote_time"]
    assert json.loads(batch.ticks[-1])["flags"] == ["stale_quotes"]


def two_expiries() -> Chain:
    """BTC chain quoted at `NOW`."""
    chain = Chain("BTC", OPTION_FEED)
    for day in (IN_A_WEEK, IN_TWO_WEEKS):
        add_smile(chain, 70_000.0, STRIKES, 0.5, 0.0, day)
    return chain


def requote(chain: Chain, name: str, time: int, vol: float, forward: float = 71_000.0) -> None:
    values = {"mark": 0.05, "mark_iv": vol, "underlying": forward, "is_forward": 1.0, "open_interest": 1.0}
    chain.apply(quote(name, time, **values))


def test_each_expiry_is_stale_by_its_own_quotes() -> None:
    chain, later = two_expiries(), NOW + 40 * SECOND
    for strike in STRIKES:
        for kind in "CP":
            requote(chain, f"BTC-{IN_A_WEEK}-{strike:.0f}-{kind}", later, 0.6)
    near, far = chain_records("deribit", price_chain(chain.view(later)))
    assert (near.forward, near.atm_iv, near.stale_options, near.quote_age_ms) == (71_000.0, pytest.approx(0.6), 0, 0)
    assert (far.forward, far.atm_iv, far.stale_options, far.quote_age_ms) == (None, None, 10, 40 * SECOND)
    assert "stale_quotes" in far.flags and "stale_quotes" not in near.flags
    assert far.call_open_interest == 5.0


def test_single_old_quotes_feed_no_smile_in_records_or_in_the_reader() -> None:
    chain, later = two_expiries(), NOW + 6 * 60 * SECOND
    old = f"BTC-{IN_A_WEEK}-65000-P"
    requote(chain, old, NOW + 1, 3.0)
    for name in NAMES:
        if name != old:
            requote(chain, name, later, 0.6)
    priced = price_chain(chain.view(later))
    surface = build_surface(priced)
    snapshot = ChainSnapshot.of(
        chain_records("deribit", priced, surface), surface_records("deribit", priced, surface, [None] * 20)
    )
    near = snapshot.expiries[0]
    assert (near.stale_options, near.atm_iv) == (1, pytest.approx(0.6))
    for smile in (priced.smiles[0], snapshot.smiles[0]):
        assert smile is not None and smile.vol.max() == pytest.approx(0.6)
    assert [option.instrument for option in snapshot.options if "stale_quotes" in option.flags][0] == old
    assert any("quotes of 1 of 10 options are stale" in warning for warning in snapshot.warnings)


def test_the_timeout_of_the_configuration_applies_to_chain_and_quotes() -> None:
    builder = quoted_builder(stale_after_ms=5_000)
    batch = builder.apply_all([index(NOW + second * SECOND) for second in range(9)])
    assert states(batch) == [("stale", 6 * SECOND)]
    assert "stale_quotes" in newest_chain(batch)["flags"]
