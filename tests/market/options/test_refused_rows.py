"""Rows that cannot be used are reported one by one, and records that lack them carry a flag."""

import base64
import json as plain_json

import pytest
from msgspec import json

from jobs.output_lines import dead_letter
from market.options.builder import ChainBuilder
from market.options.chain_batch import ChainConfig
from market.options.records import ChainRecord, UnderlyingTick
from tests.market.options.builders import CALL, EXPIRY, NOW, PUT, raw_record, ticker
from tests.market.options.test_journal import State
from tests.recorded_frames import case_path
from venues.deribit import OPTION_FEED

FAR = "BTC-4DEC26-70000-C"
NAMES = ("BTC-27NOV26-60000-C", CALL, PUT, "BTC-27NOV26-60000-P", FAR)
DAYS = 86_400_000


def row(name: str, **fields: object) -> dict[str, object]:
    """One row of a book summary."""
    values = {"instrument_name": name, "creation_timestamp": NOW, "mark_price": 0.05, "mark_iv": 50.0}
    return values | {"open_interest": 4.0, "underlying_price": 70000.0, "underlying_index": "BTC-27NOV26"} | fields


def summary(bad: dict[str, dict[str, object]]) -> bytes:
    """A reply with a row for each of `NAMES`; `bad` has the fields that differ, by name."""
    return raw_record({"result": [row(name, **bad.get(name, {})) for name in NAMES]})


def new_builder() -> ChainBuilder:
    return ChainBuilder("deribit", "BTC", ChainConfig(), OPTION_FEED)


def chains_of(builder: ChainBuilder) -> dict[int, ChainRecord]:
    return {chain.expiry: chain for chain in (json.decode(line, type=ChainRecord) for line in builder.flush().chains)}


BAD_FIELDS = [
    {"open_interest": 9.223372036854776e18},
    {"open_interest": "4.0"},
    {"mark_price": -1e-8},
    {"mark_price": "0.05"},
    {"bid_price": [1]},
    {"creation_timestamp": None},
    {"creation_timestamp": NOW + 40 * DAYS},
    {"creation_timestamp": NOW // 1000},  # seconds
]


@pytest.mark.parametrize("fields", BAD_FIELDS, ids=str)
def test_a_refused_row_is_named_and_its_expiry_is_flagged(fields: dict[str, object]) -> None:
    builder = new_builder()
    batch = builder.apply_all([summary({CALL: fields})])
    assert (batch.counts.applied, batch.counts.rejected) == (4, 1)
    assert batch.rejects[0].reason.startswith(f"{CALL}: ")
    closed = builder.flush()
    near, far = (json.decode(line, type=ChainRecord) for line in closed.chains)
    assert near.flags[-1] == "refused_rows" and (near.refused_options, near.options) == (1, 3)
    assert "refused_rows" not in far.flags and far.refused_options == 0
    assert json.decode(closed.ticks[0], type=UnderlyingTick).flags == ["refused_rows"]


def test_the_flag_goes_when_a_row_of_the_option_is_used() -> None:
    builder = new_builder()
    builder.apply_all([summary({CALL: {"open_interest": -1}, FAR: {"open_interest": -1}})])
    builder.apply_all([ticker(time=NOW + 1000)])
    builder.apply_all([ticker(FAR, time=NOW + 1100)])
    flags = {expiry: "refused_rows" in chain.flags for expiry, chain in chains_of(builder).items()}
    assert flags == {EXPIRY: False, EXPIRY + 7 * DAYS: False}


def test_a_refused_ticker_keeps_the_quote_before_it_and_flags_its_expiry() -> None:
    builder = new_builder()
    builder.apply_all([ticker(open_interest=7.0), ticker(PUT)])
    assert "refused_rows" not in chains_of(builder)[EXPIRY].flags
    builder.apply_all([ticker(time=NOW + 10, open_interest=-7.0)])
    (chain,) = chains_of(builder).values()  # the second is emitted again, with the flag
    assert (chain.call_open_interest, chain.refused_options, chain.flags[-1]) == (7.0, 1, "refused_rows")


def test_the_dead_letter_of_a_row_contains_the_row() -> None:
    builder, value = new_builder(), summary({CALL: {"open_interest": "x"}})
    (reject,) = builder.apply_all([value]).rejects
    letter = plain_json.loads(dead_letter(reject, "options.raw", 0, 5, value))
    assert letter["length"] == len(value)
    assert plain_json.loads(base64.b64decode(letter["value_b64"])) == row(CALL, open_interest="x")


@pytest.mark.parametrize(
    "other",
    [
        {"instrument_name": "ETH-27NOV26-4000-C", "creation_timestamp": NOW, "open_interest": -1},
        {"instrument_name": "BTC-PERPETUAL", "kind": "future", "creation_timestamp": NOW, "open_interest": -1},
    ],
)
def test_unusable_rows_of_other_chains_and_of_futures_are_skipped(other: dict[str, object]) -> None:
    batch = new_builder().apply_all([raw_record({"result": [row(CALL), other]})])
    assert (batch.counts.applied, batch.rejects) == (1, [])


def test_a_row_without_a_name_is_rejected_and_flags_nothing() -> None:
    builder = new_builder()
    batch = builder.apply_all([raw_record({"result": [row(CALL), {"mark_price": 1}, {"instrument_name": 5}, 7]})])
    assert batch.counts.rejected == 3
    assert chains_of(builder)[EXPIRY].refused_options == 0


def test_refused_rows_survive_a_crash() -> None:
    state, whole = State(), new_builder()
    values = [summary({CALL: {"open_interest": -1}}), ticker(PUT, NOW + 1200), ticker(time=NOW + 3000)]
    expected = [line for value in values for line in whole.apply_all([value]).chains]
    found = []
    for value in values:
        builder = state.load()
        found += builder.apply_all([value]).chains
        state.save(builder)
    assert found == expected and b"refused_rows" in found[0]
    assert state.load().flush().chains == whole.flush().chains


def test_an_expired_option_is_no_longer_counted() -> None:
    builder = new_builder()
    builder.apply_all([summary({CALL: {"open_interest": -1}}), ticker(FAR, EXPIRY + 10), ticker(FAR, EXPIRY + 2000)])
    builder.flush()
    builder.journal()
    assert builder._chain.refused() == []


@pytest.mark.parametrize(
    ("case", "refused", "used"), [("31-one-absurd-open-interest.json", 1, 5), ("31b-negative-mark.json", 3, 3)]
)
def test_rows_of_a_published_incident_are_refused_by_name(case: str, refused: int, used: int) -> None:
    frame = plain_json.loads(case_path(case).read_text())
    time = frame["result"][0]["creation_timestamp"]
    builder = new_builder()
    batch = builder.apply_all([raw_record(frame, time)])
    assert (batch.counts.applied, batch.counts.rejected) == (used, refused)
    assert all(reject.reason.startswith("BTC-29MAY26-") for reject in batch.rejects)
    (chain,) = chains_of(builder).values()
    assert "refused_rows" in chain.flags and chain.refused_options == refused
