"""Every panel's SQL against a real PostgreSQL with rows in it, as Grafana's own role: it returns what is drawn."""

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from stack.credentials import READER, ROLES
from stack.settings import ROOT
from tests.database import running_database

FOLDER = ROOT / "deploy" / "grafana"
BOARDS = {path.stem: json.loads(path.read_text()) for path in sorted((FOLDER / "dashboards").glob("*.json"))}
PANELS = {
    (name.removeprefix("depthflow-"), panel["title"]): panel for name in BOARDS for panel in BOARDS[name]["panels"]
}
START = datetime.now(timezone.utc).replace(second=0, microsecond=0) - timedelta(minutes=10)
MINUTE = timedelta(minutes=1)
VARIABLES = {"venue": ["binance"], "symbol": ["BTCUSDT"], "rule": ["extreme_imbalance", "book_stale"]}
NUMBERS = (int, float)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def insert(connection: psycopg.Connection, table: str, **values: Any) -> None:
    columns = ", ".join(values)
    places = ", ".join(["%s"] * len(values))
    connection.execute(f"INSERT INTO {table} ({columns}) VALUES ({places})", list(values.values()))


def fill(connection: psycopg.Connection) -> None:
    """Two books, two minutes."""
    for symbol, s, mid in (("BTCUSDT", 0, 100.0), ("BTCUSDT", 30, 102.0), ("BTCUSDT", 60, 104.0), ("ETHUSDT", 0, 10.0)):
        prices = {
            "mid": mid,
            "microprice": mid + 1,
            "spread_bps": mid / 10,
            "imbalance": 0.5,
            "weighted_imbalance": 0.25,
        }
        rest = {"event_time": int(at(s).timestamp() * 1000), "update_id": s, "bid_depth": 3.0, "ask_depth": 1.0}
        counts = {"levels_bid": 10, "levels_ask": 10, "depth": 10}
        insert(connection, "orderbook_metrics", ts=at(s), venue="binance", symbol=symbol, **prices, **rest, **counts)
    for size, s in (("1m", 0), ("1m", 60), ("1s", 0), ("1s", 1)):
        means = {
            "imbalance_twa": 0.2,
            "imbalance_low": -0.5,
            "imbalance_high": 0.5,
            "spread_bps_mean": 1.5,
            "ofi_sum": 7.0,
        }
        key = {"window_start": at(s), "venue": "binance", "symbol": "BTCUSDT", "size": size}
        insert(connection, "orderbook_windows", **key, updates=30, out_of_sync=0.25, **means)
    for s, price, signed in ((0, 100.0, 2.0), (10, 103.0, -5.0)):
        bar = {"open": price, "high": price + 1, "low": price - 1, "close": price, "volume": 5.0, "notional": 500.0}
        counts = {"signed_volume": signed, "trades": 1, "buys": 1}
        insert(connection, "trades_1s", ts=at(s), venue="binance", symbol="BTCUSDT", **bar, **counts)
    for rule, symbol, phase, severity, s in (
        ("extreme_imbalance", "BTCUSDT", "enter", "high", 0),
        ("extreme_imbalance", "ETHUSDT", "enter", "medium", 20),
        ("book_stale", "BTCUSDT", "enter", "medium", 30),
        ("book_stale", "BTCUSDT", "exit", "medium", 75),
    ):
        episode = at(30) if rule == "book_stale" else at(s)
        key = {"id": f"{rule}|{symbol}|{phase}", "episode": episode, "ts": at(s), "venue": "binance", "symbol": symbol}
        insert(
            connection, "orderbook_alerts", **key, rule=rule, severity=severity, phase=phase, message="said", value=1.0
        )


@pytest.fixture(scope="module")
def grafana(tmp_path_factory: pytest.TempPathFactory) -> Iterator[psycopg.Connection]:
    """A connection of the role that Grafana has, to a database with rows."""
    with running_database(tmp_path_factory.mktemp("grafana")) as database:
        dsn = database.create("dashboards")
        database.psql(dsn)
        with psycopg.connect(dsn, autocommit=True) as owner:
            fill(owner)
            owner.execute(f"ALTER ROLE {READER} PASSWORD '{database.credentials.passwords[ROLES[READER]]}'")
        with psycopg.connect(database.dsn("dashboards", READER), autocommit=True) as reader:
            yield reader


def asked(sql: str) -> str:
    """The statement that Grafana's PostgreSQL data source makes of it, for intervals of a minute."""
    sql = re.sub(r"\$\{(\w+):sqlstring\}", lambda m: ", ".join(f"'{value}'" for value in VARIABLES[m[1]]), sql)
    between = f"BETWEEN '{START - MINUTE:%FT%TZ}' AND '{START + 30 * MINUTE:%FT%TZ}'"
    sql = re.sub(r"\$__timeFilter\(([\w.]+)\)", rf"\1 {between}", sql)
    sql = re.sub(
        r"\$__timeGroupAlias\(([\w.]+), \$__interval\)", r'floor(extract(epoch FROM \1) / 60) * 60 AS "time"', sql
    )
    return sql.replace("$__interval", "1m")


def answer(connection: psycopg.Connection, board: str, title: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    (target,) = PANELS[board, title]["targets"]
    statement = asked(target["rawSql"])
    assert "$" not in statement, "a macro that is not known here"
    cursor = connection.execute(statement.encode())
    return [column.name for column in cursor.description or ()], cursor.fetchall()


FIRST, SECOND = START.timestamp(), (START + MINUTE).timestamp()
BTC, ETH = "binance BTCUSDT", "binance ETHUSDT"
EXPECTED: dict[tuple[str, str], list[tuple[Any, ...]]] = {
    ("market", "Books now"): [
        ("binance", "BTCUSDT", ..., 104.0, 10.4, 0.5, 0.25, 3.0, 1.0, 2, 1),
        ("binance", "ETHUSDT", ..., 10.0, 1.0, 0.5, 0.25, 3.0, 1.0, 1, 0),
    ],
    ("market", "Spread"): [(FIRST, BTC, pytest.approx(10.1)), (FIRST, ETH, 1.0), (SECOND, BTC, 10.4)],
    ("market", "Imbalance"): [(FIRST, BTC, 0.5), (FIRST, ETH, 0.5), (SECOND, BTC, 0.5)],
    ("market", "Traded"): [(FIRST, BTC, 1000.0)],
    ("market", "Tightest books"): [(ETH, 1.0), (BTC, pytest.approx(10.2))],
    ("symbol", "Trades by the minute"): [(START, 100.0, 104.0, 99.0, 103.0, 10.0)],
    ("symbol", "Mid and microprice"): [(FIRST, 102.0, 103.0), (SECOND, 104.0, 105.0)],
    ("symbol", "Depth"): [(FIRST, 3.0, 1.0), (SECOND, 3.0, 1.0)],
    ("symbol", "Imbalance by the minute"): [(START, 0.2, -0.5, 0.5), (at(60), 0.2, -0.5, 0.5)],
    ("symbol", "Spread by the minute"): [(START, 1.5), (at(60), 1.5)],
    ("symbol", "Order flow"): [(START, 7.0), (at(60), 7.0)],
    ("symbol", "Cumulative volume delta"): [(START, 2.0), (at(10), -3.0)],
    ("alerts", "Alerts that began"): [(FIRST, "book_stale", 1), (FIRST, "extreme_imbalance", 2)],
    ("alerts", "Hold now"): [(2, 1)],
    ("alerts", "Newest"): [
        (at(s), severity, phase, rule, "binance", symbol, 1.0, None, "said")
        for s, severity, phase, rule, symbol in (
            (75, "medium", "exit", "book_stale", "BTCUSDT"),
            (30, "medium", "enter", "book_stale", "BTCUSDT"),
            (20, "medium", "enter", "extreme_imbalance", "ETHUSDT"),
            (0, "high", "enter", "extreme_imbalance", "BTCUSDT"),
        )
    ],
    ("alerts", "Rules"): [("extreme_imbalance", 2, 1), ("book_stale", 1, 0)],
    ("alerts", "Longest episodes"): [("book_stale", "binance", "BTCUSDT", at(30), 45.0)],
    ("pipeline", "Age of the newest row"): [(..., ..., ..., ...)],
    ("pipeline", "Updates applied"): [(FIRST, "binance", 1.0)],
    ("pipeline", "Seconds stored"): [(FIRST, "binance", 3), (SECOND, "binance", 1)],
    ("pipeline", "Out of sync"): [(FIRST, BTC, 0.25), (SECOND, BTC, 0.25)],
    ("pipeline", "Oldest books"): [(ETH, ...), (BTC, ...)],
    ("pipeline", "Books that were lost"): [(at(30), at(75), "binance", "BTCUSDT", "medium", 45.0)],
}


def test_every_panel_is_asked() -> None:
    assert EXPECTED.keys() == PANELS.keys() and len(PANELS) == sum(len(board["panels"]) for board in BOARDS.values())


@pytest.mark.parametrize(("board", "title"), EXPECTED, ids=lambda part: part.replace(" ", "-"))
def test_a_panel_gets_what_it_draws(grafana: psycopg.Connection, board: str, title: str) -> None:
    _, rows = answer(grafana, board, title)
    expected = EXPECTED[board, title]
    assert len(rows) == len(expected)
    for row, wanted in zip(rows, expected, strict=True):
        known = [place for place, want in enumerate(wanted) if want is not ...]  # ages are looked at below
        assert len(row) == len(wanted) and [row[place] for place in known] == [wanted[place] for place in known]


@pytest.mark.parametrize(("board", "title"), EXPECTED, ids=lambda part: part.replace(" ", "-"))
def test_a_panel_has_columns_of_the_kinds_that_it_draws(grafana: psycopg.Connection, board: str, title: str) -> None:
    names, rows = answer(grafana, board, title)
    panel = PANELS[board, title]
    if panel["type"] in ("timeseries", "candlestick"):
        assert names[0] == "time" and [row[0] for row in rows] == sorted(row[0] for row in rows)
    if panel["type"] != "table":
        assert all(isinstance(row[-1], NUMBERS) for row in rows), "drawn are doubles and whole numbers, not decimals"


def test_ages_are_seconds_since_the_newest(grafana: psycopg.Connection) -> None:
    names, ((metrics, *_),) = answer(grafana, "pipeline", "Age of the newest row")
    assert names == ["metrics", "windows", "trades", "alerts"]
    assert metrics == pytest.approx((datetime.now(timezone.utc) - at(60)).total_seconds(), abs=30)
    ages = [age for _, age in answer(grafana, "pipeline", "Oldest books")[1]]
    assert ages[0] - ages[1] == pytest.approx(60, abs=1)


def test_variables_offer_what_there_is(grafana: psycopg.Connection) -> None:
    offered = {"venue": [("binance",)], "symbol": [("BTCUSDT",), ("ETHUSDT",)]}
    offered["rule"] = [("book_stale",), ("extreme_imbalance",)]
    for board in BOARDS.values():
        for variable in board["templating"]["list"]:
            assert grafana.execute(asked(variable["query"]).encode()).fetchall() == offered[variable["name"]]


def test_everything_asks_the_data_source_that_is_provisioned() -> None:
    (source,) = yaml.safe_load((FOLDER / "provisioning" / "datasources" / "depthflow.yaml").read_text())["datasources"]
    wanted = {"type": source["type"], "uid": source["uid"]}
    used = [panel["datasource"] for panel in PANELS.values()] + [
        t["datasource"] for p in PANELS.values() for t in p["targets"]
    ]
    used += [variable["datasource"] for board in BOARDS.values() for variable in board["templating"]["list"]]
    assert all(one == wanted for one in used)
    assert source["user"] == READER and source["secureJsonData"] == {"password": f"${ROLES[READER]}"}


def test_dashboards_are_told_apart_and_panels_do_not_overlap() -> None:
    assert [board["uid"] for board in BOARDS.values()] == list(BOARDS)
    for board in BOARDS.values():
        places = [panel["gridPos"] for panel in board["panels"]]
        cells = [(x, y) for p in places for x in range(p["x"], p["x"] + p["w"]) for y in range(p["y"], p["y"] + p["h"])]
        assert len(cells) == len(set(cells)) and max(x for x, _ in cells) < 24


def test_no_secret_and_no_place_of_one_machine_is_written_down() -> None:
    for path in [*FOLDER.rglob("*.yaml"), *FOLDER.rglob("*.json")]:
        assert not re.search(r"localhost|127\.0\.0\.1|\b/(home|var|work|etc)/", path.read_text()), path
        assert isinstance(path, Path)
