"""Rows and dead letters of the analytics job for hand-written records, valid ones and such as a database refuses."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from core.records import DeadLetter
from jobs.analytics import DEAD_LETTERS, INSERTS, SINKS, SOURCES
from jobs.sql_files import SQL, declare, insert
from tests.flink import Row, declare_rows, local_tables, read

NOON = 1767268800000
LAST_TIME_MS = 253402300000000
MAX_KEY = 64  # characters
BOOK = {"venue": "binance", "symbol": "BTCUSDT"}
CHAIN = {"venue": "deribit", "underlying": "BTC"}
LAST = BOOK | {
    "event_time": NOON + 900, "update_id": 7, "best_bid": 99.0, "mid": 100.0, "levels_bid": 5, "levels_ask": 6,
    "depth": 10, "flags": ["one_sided", "a\0b"], "recv_us": 1000 * (NOON + 950) + 500,
}  # fmt: skip
SECOND = {"window_start": NOON, "window_end": NOON + 1000}
# A valid record of each source, with all fields that a row needs.
VALID: dict[str, Row] = {
    "window_records": BOOK | SECOND | {"size": "1s", "updates": 3, "imbalance_twa": 0.25, "out_of_sync": 0.0, "late": 0}
    | {"last": LAST, "published_ts": "2026-01-01 12:00:01.25Z"},
    "trade_bars": BOOK | SECOND | {"open": 10.0, "high": 12.0, "low": 9.0, "close": 9.0, "volume": 4.0}
    | {"notional": 43.0, "vwap": 10.75, "signed_volume": 0.0, "trades": 3, "buys": 2},
    "alert_records": BOOK | {"id": "r|enter", "rule": "r", "severity": "high", "phase": "enter", "episode": NOON}
    | {"event_time": NOON + 1, "value": 0.8, "threshold": 0.7, "message": "text"},
    "statuses": BOOK | {"event_time": NOON, "state": "gap", "reason": "a\0b"},
    "option_chains": CHAIN | {"event_time": NOON, "expiry": NOON + 1, "linear": True, "strikes": 1, "options": 2}
    | dict.fromkeys(("years", "call_open_interest", "put_open_interest", "call_volume", "put_volume"), 1.5)
    | dict.fromkeys(("call_premium", "put_premium", "gamma_gross", "gamma_naive"), 1.5) | {"svi_points": 0},
    "option_surfaces": CHAIN | {"instrument": "BTC-1-C", "event_time": NOON, "expiry": NOON + 1, "quote_time": NOON}
    | {"strike": 1.5, "gamma_usd": 1.5, "kind": "call"},
    "underlying_ticks": CHAIN | {"event_time": NOON, "options": 1, "expiries": 1, "call_open_interest": 1.5}
    | {"put_open_interest": 1.5, "gamma_gross": 1.5, "gamma_naive": 1.5},
}  # fmt: skip
TABLES = {
    "window_records": ("orderbook_metrics", "orderbook_windows"),
    "trade_bars": ("trades_1s",),
    "alert_records": ("orderbook_alerts",),
    "statuses": ("book_states",),
    "option_chains": ("option_chain_metrics",),
    "option_surfaces": ("option_surface",),
    "underlying_ticks": ("underlying_ticks",),
}
OPTIONAL = {"imbalance_twa", "late", "vwap", "value", "threshold", "reason", "window_end"}
OPTIONAL |= {"published_ts"}
TIMES = {"event_time", "expiry", "window_start", "episode"}


def spoiled(name: str) -> Iterator[tuple[str, Row]]:
    """Records of the source that must not reach the database: it would refuse the row, or the index its key.

    Each with the name of the field that is to blame.
    """
    valid = VALID[name]
    for field in sorted(valid.keys() - OPTIONAL - {"last"}):
        yield field, valid | {field: None}
    for field in sorted({"venue", "symbol", "underlying", "instrument", "size", "rule", "phase"} & valid.keys()):
        yield from ((field, valid | {field: text}) for text in ("A\0B", "", "S" * (MAX_KEY + 1)))
    for field in sorted(TIMES & valid.keys()):
        yield from ((field, valid | {field: time}) for time in (-1, LAST_TIME_MS + 1, 10**18, "soon"))
    if "last" in valid:
        yield from (("last", valid | {"last": LAST | {field: None}}) for field in ("event_time", "update_id", "depth"))
        yield from (("last", valid | {"last": last}) for last in (None, 5))
    yield ", ".join(required(name)), {}


def required(name: str) -> list[str]:
    """Fields without which the database cannot store a record, in the order of its source."""
    columns = re.findall(r"^  `?(\w+)`? ", (SQL / "sources" / f"{name}.sql").read_text(), re.MULTILINE)
    return [each for each in columns if each in VALID[name].keys() - OPTIONAL - {"last"}]


def placed(name: str, rows: Iterable[Row]) -> list[Row]:
    """Records with their positions on the topic of this name, in partition 1 from offset 0."""
    place = {"record_topic": name, "record_partition": 1}
    return [row | place | {"record_offset": offset} for offset, row in enumerate(rows)]


def seconds() -> Iterator[Row]:
    """Records of one second, received at several times and published 1.25 s after noon."""
    received = 1000 * (NOON + 950) + 500
    symbols = {"USUAL": received, "REPLAY": received - 10**9, "AHEAD": received + 10**6, "UNKNOWN": None}
    for symbol, recv_us in (symbols | {"QUIET": received}).items():
        book = {"venue": "latency", "symbol": symbol}
        last = VALID["window_records"]["last"] | book | {"recv_us": recv_us}
        yield VALID["window_records"] | book | {"last": last, "updates": 0 if symbol == "QUIET" else 3}


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Row]]:
    """Rows of each table after one bounded job over the valid and the spoiled records of every source."""
    folder = tmp_path_factory.mktemp("storage")
    tables = local_tables()
    for name, valid in VALID.items():
        rows = [*(row for _, row in spoiled(name)), valid, *(seconds() if name == "window_records" else ())]
        declare_rows(tables, name, ["not JSON", "[]", *placed(name, rows)], folder)
    declare(tables, (each for each in SOURCES if each.startswith("views/")), {})
    for sink in SINKS:
        tables.execute_sql(_to_files((SQL / f"{sink}.sql").read_text(), folder / sink.split("/")[1]))
    statements = tables.create_statement_set()
    insert(statements, INSERTS)
    statements.execute().wait()
    return {name: read(folder / f"{name}_sink") for name in (path.split("/")[1] for path in INSERTS)}


def _to_files(text: str, folder: Path) -> str:
    """The declaration of a sink with files in the folder in place of the database."""
    columns = re.sub(r",\n  PRIMARY KEY.*", "", text.split(") WITH (")[0])
    return f"{columns}) WITH ('connector' = 'filesystem', 'path' = '{folder}', 'format' = 'json')"


@pytest.mark.parametrize("name", VALID)
def test_a_valid_record_is_stored_and_no_spoiled_one(stored: dict[str, list[Row]], name: str) -> None:
    for table in TABLES[name]:
        if table == "orderbook_metrics":
            continue
        assert len([row for row in stored[table] if row.get("venue") != "latency"]) == 1, table


@pytest.mark.parametrize("name", VALID)
def test_every_spoiled_record_is_a_dead_letter_with_its_position_and_field(
    stored: dict[str, list[Row]], name: str
) -> None:
    letters = sorted((each["offset"], each["where"]) for each in stored[DEAD_LETTERS] if each["topic"] == name)
    assert letters == list(enumerate(field for field, _ in spoiled(name)))


def test_a_dead_letter_has_the_form_of_all_others_and_the_key_of_its_record(stored: dict[str, list[Row]]) -> None:
    letter = next(each for each in stored[DEAD_LETTERS] if (each["topic"], each["where"]) == ("statuses", "state"))
    assert letter.pop("record_key") == "binance:BTCUSDT"
    assert msgspec.convert(letter, DeadLetter) == DeadLetter(
        "the database cannot store the record", "state", "statuses", 1, letter["offset"], 0, "", ""
    )


def row(stored: dict[str, list[Row]], table: str) -> dict[str, Any]:
    (found,) = stored[table]
    return {name: value for name, value in found.items() if value is not None}


def test_the_metrics_of_a_second_are_those_of_its_last_record(stored: dict[str, list[Row]]) -> None:
    expected = {"ts": "2026-01-01 12:00:00", "event_time": NOON + 900, "flags": "one_sided,ab", "update_id": 7}
    rows = [each for each in stored["orderbook_metrics"] if each["venue"] != "latency"]
    found = [each for each in rows if each["ts"] == expected["ts"]]
    assert found and all(each == each | expected | BOOK | {"mid": 100.0, "levels_ask": 6} for each in found)


def test_the_latency_of_a_second_is_from_its_last_receipt_to_its_publication(stored: dict[str, list[Row]]) -> None:
    found = {each["symbol"]: each["latency_ms"] for each in stored["orderbook_metrics"] if each["venue"] == "latency"}
    assert found == {"USUAL": 299.5, "REPLAY": None, "AHEAD": None, "QUIET": None, "UNKNOWN": None}
