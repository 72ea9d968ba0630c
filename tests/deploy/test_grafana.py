"""SQL of every panel against a real PostgreSQL with rows, as Grafana's role: the rows that the panel draws."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from core.resources import ROOT
from stack.services.credentials import READER, ROLES
from tests.database import running_database

FOLDER = ROOT / "deploy" / "grafana"
BOARDS = {path.stem: json.loads(path.read_text()) for path in sorted((FOLDER / "dashboards").glob("*.json"))}
ALL_PANELS = {
    (name.removeprefix("depthflow-"), panel["title"]): panel for name in BOARDS for panel in BOARDS[name]["panels"]
}
# Those of Prometheus are tested against a running stack (test_observed_stack.py).
PANELS = {place: panel for place, panel in ALL_PANELS.items() if panel["datasource"]["uid"] == "depthflow"}
START = datetime.now(timezone.utc).replace(second=0, microsecond=0) - timedelta(minutes=10)
MINUTE = timedelta(minutes=1)
EXPIRY = START.replace(hour=8, minute=0) + timedelta(days=30)
VARIABLES = {
    "venue": ["binance"],
    "underlying": ["BTC"],
    "symbol": ["BTCUSDT"],
    "rule": ["extreme_imbalance", "book_stale"],
}
NUMBERS = (int, float)
GATEWAY = "http://127.0.0.1:8000"  # of the local stack; the variable `gateway` moves it


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
            connection, "orderbook_alerts", **key, rule=rule, severity=severity, phase=phase, message="test", value=1.0
        )


def fill_options(connection: psycopg.Connection) -> None:
    """One expiry of a chain, two minutes."""
    for s, iv in ((0, 0.5), (30, 0.6), (60, 0.7)):
        key = {"ts": at(s), "venue": "binance", "underlying": "BTC", "event_time": int(at(s).timestamp() * 1000)}
        interest = {"call_open_interest": 10.0, "put_open_interest": 5.0, "pcr_open_interest": 0.5}
        gamma = {"gamma_gross": 1.0, "gamma_naive": 0.5}
        prices = {"forward": 100.0, "atm_iv": iv, "risk_reversal_25": -0.1, "straddle": 8.0, "max_pain": 90.0}
        sums = {"call_volume": 1.0, "put_volume": 1.0, "call_premium": 1.0, "put_premium": 1.0, "svi_points": 0}
        sizes = {"linear": False, "strikes": 5, "options": 10, "years": 0.1}
        every = key | interest | gamma
        insert(connection, "option_chain_metrics", **every, **prices, **sums, **sizes, expiry=EXPIRY)
        insert(connection, "underlying_ticks", **every, index_price=99.0 + s, options=10, expiries=1)


@pytest.fixture(scope="module")
def grafana(tmp_path_factory: pytest.TempPathFactory) -> Iterator[psycopg.Connection]:
    """A connection with Grafana's role to a database with rows."""
    with running_database(tmp_path_factory.mktemp("grafana")) as database:
        dsn = database.create("dashboards")
        database.psql(dsn)
        with psycopg.connect(dsn, autocommit=True) as owner:
            fill(owner)
            fill_options(owner)
            owner.execute(f"ALTER ROLE {READER} PASSWORD '{database.credentials.passwords[ROLES[READER]]}'")
        with psycopg.connect(database.dsn("dashboards", READER), autocommit=True) as reader:
            yield reader


def expanded(sql: str) -> str:
    """The statement with the macros of Grafana's PostgreSQL data source expanded, for intervals of a minute."""
    sql = re.sub(r"\$\{(\w+):sqlstring\}", lambda m: ", ".join(f"'{value}'" for value in VARIABLES[m[1]]), sql)
    first, last = f"'{START - MINUTE:%FT%TZ}'", f"'{START + 30 * MINUTE:%FT%TZ}'"
    between = f"BETWEEN {first} AND {last}"
    sql = sql.replace("$__timeFrom()", first).replace("$__timeTo()", last)
    sql = re.sub(r"\$__timeFilter\(([\w.]+)\)", rf"\1 {between}", sql)
    sql = re.sub(
        r"\$__timeGroupAlias\(([\w.]+), \$__interval\)", r'floor(extract(epoch FROM \1) / 60) * 60 AS "time"', sql
    )
    return sql.replace("$__interval", "1m")


def query_panel(connection: psycopg.Connection, board: str, title: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    (target,) = PANELS[board, title]["targets"]
    statement = expanded(target["rawSql"])
    assert "$" not in statement, "a macro that this test does not expand"
    cursor = connection.execute(statement.encode())
    return [column.name for column in cursor.description or ()], cursor.fetchall()


FIRST, SECOND = START.timestamp(), (START + MINUTE).timestamp()
BTC, ETH = "binance BTCUSDT", "binance ETHUSDT"
CHAIN = f"BTC {EXPIRY:%Y-%m-%d}"
EXPECTED: dict[tuple[str, str], list[tuple[Any, ...]]] = {
    ("market", "Books now"): [
        ("binance", "BTCUSDT", ..., 104.0, 10.4, 0.5, 0.25, 3.0, 1.0, 2, 1),
        ("binance", "ETHUSDT", ..., 10.0, 1.0, 0.5, 0.25, 3.0, 1.0, 1, 0),
    ],
    ("market", "Spread"): [(FIRST, BTC, pytest.approx(10.1)), (FIRST, ETH, 1.0), (SECOND, BTC, 10.4)],
    ("market", "Imbalance"): [(FIRST, BTC, 0.5), (FIRST, ETH, 0.5), (SECOND, BTC, 0.5)],
    ("market", "Traded notional"): [(FIRST, BTC, 1000.0)],
    ("market", "Tightest books"): [(ETH, 1.0), (BTC, pytest.approx(10.2))],
    ("symbol", "Trades per minute"): [(START, 100.0, 104.0, 99.0, 103.0, 10.0)],
    ("symbol", "Mid and microprice"): [(FIRST, 102.0, 103.0), (SECOND, 104.0, 105.0)],
    ("symbol", "Depth"): [(FIRST, 3.0, 1.0), (SECOND, 3.0, 1.0)],
    ("symbol", "Imbalance per minute"): [(START, 0.2, -0.5, 0.5), (at(60), 0.2, -0.5, 0.5)],
    ("symbol", "Spread per minute"): [(START, 1.5), (at(60), 1.5)],
    ("symbol", "Order flow"): [(START, 7.0), (at(60), 7.0)],
    ("symbol", "Cumulative volume delta"): [(START, 2.0), (at(10), -3.0)],
    ("alerts", "Alerts that began"): [(FIRST, "book_stale", 1), (FIRST, "extreme_imbalance", 2)],
    ("alerts", "Active now"): [(2, 1)],
    ("alerts", "Newest"): [
        (at(s), severity, phase, rule, "binance", symbol, 1.0, None, "test")
        for s, severity, phase, rule, symbol in (
            (75, "medium", "exit", "book_stale", "BTCUSDT"),
            (30, "medium", "enter", "book_stale", "BTCUSDT"),
            (20, "medium", "enter", "extreme_imbalance", "ETHUSDT"),
            (0, "high", "enter", "extreme_imbalance", "BTCUSDT"),
        )
    ],
    ("alerts", "Rules"): [("extreme_imbalance", 2, 1), ("book_stale", 1, 0)],
    ("alerts", "Longest episodes"): [("book_stale", "binance", "BTCUSDT", at(30), 45.0)],
    ("options", "Expiries now"): [("binance", "BTC", EXPIRY, 100.0, 0.7, 8.0, 0.5, 90.0, 10, "")],
    ("options", "At-the-money volatility"): [(FIRST, CHAIN, pytest.approx(0.55)), (SECOND, CHAIN, 0.7)],
    ("options", "Risk reversal"): [(FIRST, CHAIN, -0.1), (SECOND, CHAIN, -0.1)],
    ("options", "Put-call ratio"): [(FIRST, CHAIN, 0.5), (SECOND, CHAIN, 0.5)],
    ("options", "Max pain over forward"): [(FIRST, CHAIN, pytest.approx(-10)), (SECOND, CHAIN, pytest.approx(-10))],
    ("options", "Straddle"): [(FIRST, CHAIN, 8.0), (SECOND, CHAIN, 8.0)],
    ("options", "Index price"): [(FIRST, "BTC", 114.0), (SECOND, "BTC", 159.0)],
    ("pipeline", "Age of the newest row"): [(..., ..., ..., ...)],
    ("pipeline", "Updates applied"): [(FIRST, "binance", 1.0)],
    ("pipeline", "Seconds stored"): [(FIRST, "binance", 3), (SECOND, "binance", 1)],
    ("pipeline", "Out of sync"): [(FIRST, BTC, 0.25), (SECOND, BTC, 0.25)],
    ("pipeline", "Oldest books"): [(ETH, ...), (BTC, ...)],
    ("pipeline", "Lost books"): [(at(30), at(75), "binance", "BTCUSDT", "medium", 45.0)],
}


def test_every_panel_is_tested() -> None:
    assert EXPECTED.keys() == PANELS.keys() and len(BOARDS) == 5
    assert len(ALL_PANELS) == sum(len(board["panels"]) for board in BOARDS.values())


@pytest.mark.parametrize(("board", "title"), EXPECTED, ids=lambda part: part.replace(" ", "-"))
def test_a_panel_gets_its_rows(grafana: psycopg.Connection, board: str, title: str) -> None:
    _, rows = query_panel(grafana, board, title)
    expected = EXPECTED[board, title]
    assert len(rows) == len(expected)
    for row, wanted in zip(rows, expected, strict=True):
        known = [place for place, want in enumerate(wanted) if want is not ...]  # ages are looked at below
        assert len(row) == len(wanted) and [row[place] for place in known] == [wanted[place] for place in known]


@pytest.mark.parametrize(("board", "title"), EXPECTED, ids=lambda part: part.replace(" ", "-"))
def test_a_panel_has_columns_of_the_kinds_that_it_needs(grafana: psycopg.Connection, board: str, title: str) -> None:
    names, rows = query_panel(grafana, board, title)
    panel = PANELS[board, title]
    if panel["type"] in ("timeseries", "candlestick"):
        assert names[0] == "time" and [row[0] for row in rows] == sorted(row[0] for row in rows)
    if panel["type"] != "table":
        assert all(isinstance(row[-1], NUMBERS) for row in rows), "drawn are doubles and whole numbers, not decimals"


def test_ages_are_seconds_since_the_newest(grafana: psycopg.Connection) -> None:
    names, ((metrics, *_),) = query_panel(grafana, "pipeline", "Age of the newest row")
    assert names == ["metrics", "windows", "trades", "alerts"]
    assert metrics == pytest.approx((datetime.now(timezone.utc) - at(60)).total_seconds(), abs=30)
    ages = [age for _, age in query_panel(grafana, "pipeline", "Oldest books")[1]]
    assert ages[0] - ages[1] == pytest.approx(60, abs=1)


def queried(board: dict[str, Any]) -> list[dict[str, Any]]:
    """Variables of a board whose values come from the database."""
    return [variable for variable in board["templating"]["list"] if variable["type"] == "query"]


def test_variables_offer_the_values_in_the_database(grafana: psycopg.Connection) -> None:
    offered = {"venue": [("binance",)], "symbol": [("BTCUSDT",), ("ETHUSDT",)]}
    offered["rule"] = [("book_stale",), ("extreme_imbalance",)]
    of_options = {"venue": [("binance",)], "underlying": [("BTC",)]}
    for name, board in BOARDS.items():
        for variable in queried(board):
            found = grafana.execute(expanded(variable["query"]).encode()).fetchall()
            assert found == (of_options if name == "depthflow-options" else offered)[variable["name"]]


def test_alerts_are_filtered_by_the_column_that_partitions_them() -> None:
    """A filter by `ts` alone would open every chunk of a year; alerts are partitioned by `episode`."""
    queries = [t["rawSql"] for panel in PANELS.values() for t in panel["targets"] if "orderbook_alerts" in t["rawSql"]]
    assert len(queries) == 7
    for query in queries:
        assert re.search(r"\$__timeFilter\((a\.)?episode\)|\bepisode (BETWEEN|>) ", query), query


def test_every_query_uses_a_provisioned_data_source() -> None:
    loaded = yaml.safe_load((FOLDER / "provisioning" / "datasources" / "depthflow.yaml").read_text())["datasources"]
    database, prometheus = ({"type": source["type"], "uid": source["uid"]} for source in loaded)
    for panel in ALL_PANELS.values():
        assert panel["datasource"] in (database, prometheus)
        assert all(target["datasource"] == panel["datasource"] for target in panel["targets"])
    variables = [variable["datasource"] for board in BOARDS.values() for variable in queried(board)]
    assert variables and all(one == database for one in variables)
    assert loaded[0]["user"] == READER and loaded[0]["secureJsonData"] == {"password": f"${ROLES[READER]}"}
    assert loaded[1]["url"] == "$GRAFANA_PROMETHEUS_URL"


def test_dashboards_have_unique_ids_and_panels_do_not_overlap() -> None:
    assert [board["uid"] for board in BOARDS.values()] == list(BOARDS)
    for board in BOARDS.values():
        places = [panel["gridPos"] for panel in board["panels"]]
        cells = [(x, y) for p in places for x in range(p["x"], p["x"] + p["w"]) for y in range(p["y"], p["y"] + p["h"])]
        assert len(cells) == len(set(cells)) and max(x for x, _ in cells) < 24


def test_every_board_links_to_its_page_of_live_books() -> None:
    """The page's address is a variable of the board; names that the board shows are in the link."""
    pages = {"alerts": "market", "market": "market", "pipeline": "pipeline", "options": "options"}
    pages["symbol"] = "binance:BTCUSDT"
    for name, board in BOARDS.items():
        (link,) = (each for each in board["links"] if each["type"] == "link")
        (gateway,) = (each for each in board["templating"]["list"] if each["name"] == "gateway")
        assert gateway["type"] == "textbox" and gateway["query"] == gateway["current"]["value"] == GATEWAY
        values = {"gateway": gateway["query"]} | {one: each[0] for one, each in VARIABLES.items()}
        filled = re.sub(r"\$\{(\w+):(?:raw|percentencode)\}", lambda m, v=values: v[m[1]], link["url"])
        assert filled == f"{GATEWAY}/live#{pages[name.removeprefix('depthflow-')]}" and "$" not in filled
        assert {each[1] for each in re.finditer(r"\$\{(\w+)", link["url"])} <= {
            each["name"] for each in board["templating"]["list"]
        }


@pytest.mark.skipif(not shutil.which("node"), reason="needs Node")
def test_pages_of_live_books_link_to_their_boards() -> None:
    module = (ROOT / "dashboard" / "live" / "lib" / "grafana.js").as_uri()
    calls = [["market"], ["symbol", "kraken:BTC/USD"], ["symbol"], ["options", "BTC"], ["pipeline"], ["replay", "x"]]
    script = f"""
    const {{ boardAddress }} = await import("{module}");
    for (const call of {json.dumps(calls)}) console.log(boardAddress("https://grafana.example.com/", ...call));
    """
    command = ["node", "--input-type=module", "-e", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    base, *boards = (line.removeprefix("https://grafana.example.com") for line in reversed(done.stdout.splitlines()))
    assert base == "" and {each.partition("?")[0].removeprefix("/d/") for each in boards} == BOARDS.keys() - {
        "depthflow-alerts"
    }
    assert "/d/depthflow-symbol?var-venue=kraken&var-symbol=BTC%2FUSD" in boards
    variables = {each["name"] for each in BOARDS["depthflow-symbol"]["templating"]["list"]}
    assert {"venue", "symbol"} <= variables


def test_no_file_has_a_secret_or_a_path_of_one_machine() -> None:
    for path in [*FOLDER.rglob("*.yaml"), *FOLDER.rglob("*.json")]:
        assert not re.search(
            r"localhost|127\.0\.0\.1|\b/(home|var|work|etc)/", path.read_text().replace(GATEWAY, "")
        ), path
        assert isinstance(path, Path)
