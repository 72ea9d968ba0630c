"""Answers: media types, numbers that JSON lacks, cursors, age and trust."""

import csv
import io
import math
import re

import msgspec
import pyarrow as pa
import pytest

from gateway.encoding import ARROW, CSV, JSON, accepted, arrow_bytes, csv_bytes, encode
from gateway.freshness import StateRecord, judge
from gateway.paging import PATTERN, decode_cursor, encode_cursor
from gateway.problems import Problem, problem_response, wrong_field

NOW = 1_795_723_449_326
SYNCED = StateRecord("synced", "snapshot", NOW - 60_000)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, JSON),
        ("*/*", JSON),
        ("text/html, */*;q=0.1", JSON),
        ("text/csv", CSV),
        ("application/json;q=0.5, text/csv;q=0.9", CSV),
        ("application/vnd.apache.arrow.stream", ARROW),
        ("text/*", CSV),
    ],
)
def test_the_media_type_is_that_of_the_highest_quality(accept: str | None, expected: str) -> None:
    assert accepted(accept) == expected


def test_a_media_type_that_is_not_offered_is_refused() -> None:
    with pytest.raises(Problem, match="Accept: expected one of application/json, text/csv") as refused:
        accepted("image/png, text/csv;q=0")
    assert refused.value.status == 406


def test_numbers_that_json_lacks_are_null() -> None:
    assert encode({"a": math.nan, "b": math.inf, "c": [-math.inf, 1.5]}) == b'{"a":null,"b":null,"c":[null,1.5]}'


def test_rows_are_the_same_in_csv_and_arrow() -> None:
    rows = [{"time": 1, "value": 0.5, "flags": ["a", "b"]}, {"time": 2, "value": None, "flags": []}]
    found = list(csv.DictReader(io.StringIO(csv_bytes(rows).decode())))
    assert found[0] == {"time": "1", "value": "0.5", "flags": "a;b"}
    assert found[1]["value"] == ""
    assert pa.ipc.open_stream(arrow_bytes(rows)).read_all().to_pylist() == rows
    assert csv_bytes([]) == b""
    assert pa.ipc.open_stream(arrow_bytes([])).read_all().to_pylist() == []


@pytest.mark.parametrize("key", [(NOW, ""), (0, "rule|kraken|BTC/USD|1.5|enter"), (1, "ü|\u2028")])
def test_a_cursor_is_the_key_of_the_last_row(key: tuple[int, str]) -> None:
    cursor = encode_cursor(key)
    assert re.match(PATTERN, cursor) and decode_cursor(cursor) == key


def test_a_problem_names_the_field() -> None:
    response = problem_response(wrong_field("limit", "expected at most 5000"))
    assert response.media_type == "application/problem+json"
    assert msgspec.json.decode(response.body) == {
        "title": "Unprocessable Entity",
        "status": 422,
        "detail": "limit: expected at most 5000",
        "errors": [{"field": "limit", "detail": "expected at most 5000"}],
    }


def test_a_book_in_sync_and_young_is_trusted() -> None:
    fresh = judge("redis", NOW - 40, SYNCED, NOW, 30_000)
    assert (fresh.trusted, fresh.age_ms, fresh.reason, fresh.since) == (True, 40, "snapshot", NOW - 60_000)
    assert fresh.headers() == {"Depthflow-Age-Ms": "40", "Depthflow-Trusted": "true", "Depthflow-State": "synced"}


@pytest.mark.parametrize(
    ("state", "age_ms", "reason"),
    [
        (StateRecord("gap", "sequence", NOW), 40, "sequence"),
        (StateRecord("untrusted", "", NOW), 40, "untrusted"),
        (SYNCED, 30_001, "no update for 30 s"),
        (None, 40, "state unknown: the cache job has written none"),
    ],
)
def test_a_book_that_is_not_to_be_trusted_has_a_reason(state: StateRecord | None, age_ms: int, reason: str) -> None:
    fresh = judge("redis", NOW - age_ms, state, NOW, 30_000)
    assert (fresh.trusted, fresh.reason) == (False, reason)


def test_a_clock_that_steps_back_gives_no_negative_age() -> None:
    assert judge("redis", NOW + 500, SYNCED, NOW, 30_000).age_ms == 0
