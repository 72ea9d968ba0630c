"""Keys and hash fields of a chain's records in the cache."""

import msgspec

from market.cache_messages import alerts_by_time, state_changes
from market.options.cache_messages import chain_fields, newest_tick
from tests.market.options.builders import EXPIRY

KEY = "chain:BTC:2026-11-27"


def line(event_time: int, instrument: str | None = None, expiry: int = EXPIRY, revision: int = 0) -> bytes:
    fields = {"instrument": instrument} if instrument else {}
    return msgspec.json.encode(
        {"venue": "deribit", "underlying": "BTC", "expiry": expiry, "event_time": event_time, "revision": revision}
        | fields
    )


def test_an_expiry_is_a_key_and_each_option_is_a_field():
    week = 7 * 86_400_000
    lines = [line(1), line(1, "BTC-27NOV26-100-C"), line(1, expiry=EXPIRY + week)]
    assert chain_fields(lines) == {
        KEY: {"summary": (1, lines[0]), "BTC-27NOV26-100-C": (1, lines[1])},
        "chain:BTC:2026-12-04": {"summary": (1, lines[2])},
    }


def test_the_newest_second_and_within_it_the_last_record_wins():
    lines = [line(2), line(3, revision=1), line(3, revision=2), line(1)]
    assert chain_fields(lines) == {KEY: {"summary": (3, lines[2])}}


DEEP = b'{"x":' + b"[" * 9_000 + b"]" * 9_000 + b"}"
NO_RECORDS = [b"", b"{", b"[]", b"{}", b"\xff", b'{"underlying":"\xff","id":"\xff","venue":"\xff"}', DEEP]


def test_lines_that_are_no_record_are_skipped():
    assert chain_fields([*NO_RECORDS, line(1, expiry=10**18)]) == {}
    assert newest_tick(NO_RECORDS) is None
    assert list(state_changes([(value, 1) for value in NO_RECORDS])) == []
    assert alerts_by_time(NO_RECORDS) == []
