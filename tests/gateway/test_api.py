"""REST calls of a running gateway: as documented, equal to the records, with age and trust."""

import csv
import io
import json
import re
import time
from pathlib import Path

import pyarrow as pa
import pytest
from redis import Redis

from tests.gateway.conftest import Backend, Served
from tests.gateway.feeder import EXPIRY, Feeder, processed
from tests.gateway.schema import check_answers

BOOK = "/api/books/kraken/BTC/USD"


def now_ms() -> int:
    return int(time.time() * 1000)


def test_every_answer_is_as_the_openapi_document_says(gateway: Served, admin: str, tmp_path: Path) -> None:
    check_answers(gateway.url, admin, tmp_path, "--exclude-path-regex", "/api/rules")  # which need a broker


def test_every_operation_has_an_example_and_a_description(gateway: Served) -> None:
    document = gateway.get("/openapi.json").json
    assert document["openapi"].startswith("3.1")
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            bodies = [response.get("content", {}) for code, response in operation["responses"].items() if code < "300"]
            found = [media for body in bodies for media in body.values() if "example" in media]
            assert found or "204" in operation["responses"], (method, path)
            assert operation["description"], (method, path)


def test_the_newest_book_is_the_record_with_its_levels(gateway: Served, feeder: Feeder, admin: str) -> None:
    time_ms = now_ms()
    feeder.book(time_ms, time_ms)
    answer = gateway.get(BOOK, admin)
    levels = {"bids": [[100.0, float(time_ms)]], "asks": [[101.0, 2.0]]}
    assert answer.json["book"] == json.loads(processed(time_ms, time_ms)) | levels
    fresh = answer.json["freshness"]
    assert (fresh["source"], fresh["trusted"], fresh["state"]) == ("redis", True, "synced")
    assert 0 <= fresh["age_ms"] < 5000 and answer.headers["depthflow-trusted"] == "true"
    assert gateway.get(BOOK.replace("BTC/USD", "BTC%2FUSD"), admin).json["book"] == answer.json["book"]


def test_a_book_that_is_not_to_be_trusted_says_so_in_every_answer(gateway: Served, feeder: Feeder, admin: str) -> None:
    feeder.state("gap", now_ms(), "sequence")
    try:
        found = [
            gateway.get(BOOK, admin).json["freshness"],
            gateway.get("/api/books", admin).json["books"][0]["freshness"],
            gateway.get(f"{BOOK}/history", admin).json["freshness"],
            gateway.get("/api/trades/kraken/BTC/USD", admin).json["freshness"],
            next(each for each in gateway.get("/api/status", admin).json["books"] if each["symbol"] == "BTC/USD"),
        ]
        assert [(each["trusted"], each["state"], each["reason"]) for each in found] == [(False, "gap", "sequence")] * 5
        assert gateway.get("/api/status", admin).json["trusted"] is False
    finally:
        feeder.state("synced", now_ms())


def test_a_book_without_updates_is_not_trusted(gateway: Served, feeder: Feeder, admin: str) -> None:
    feeder.book(1, now_ms() - 60_000, symbol="OLD/USD")
    feeder.state("synced", now_ms() - 60_000, key="kraken:OLD/USD")
    fresh = gateway.get("/api/books/kraken/OLD/USD", admin).json["freshness"]
    assert fresh["trusted"] is False and re.fullmatch(r"no update for 6\d s", fresh["reason"])


def test_missing_values_come_from_the_database_and_are_kept_in_redis(
    gateway: Served, feeder: Feeder, redis: Redis, admin: str
) -> None:
    stored = redis.get("orderbook:kraken:BTC/USD:latest")
    redis.delete("orderbook:kraken:BTC/USD:latest")
    answer = gateway.get(BOOK, admin).json
    assert answer["freshness"]["source"] == "database" and answer["book"]["update_id"] == 7
    assert 0 < redis.ttl("gateway:aside:book:kraken:BTC/USD") <= 5
    redis.set("orderbook:kraken:BTC/USD:latest", stored or b"")
    chains = redis.dump(f"chain:BTC:{EXPIRY}")
    redis.delete(f"chain:BTC:{EXPIRY}")
    answer = gateway.get("/api/data/chain/BTC", admin).json
    assert answer["freshness"]["source"] == "database"
    assert [len(answer["chains"][0][side]) for side in ("calls", "puts")] == [2, 2]
    redis.restore(f"chain:BTC:{EXPIRY}", 300_000, chains or b"")


def test_pages_of_history_follow_one_another_without_a_hole(gateway: Served, admin: str) -> None:
    for path, rows, key in (
        (f"{BOOK}/history?resolution=1s&limit=50", "windows", "time"),
        ("/api/trades/kraken/BTC/USD?limit=50", "trades", "time"),
        ("/api/alerts?limit=2", "alerts", "id"),
    ):
        found, cursor, pages = [], "", 0
        while pages == 0 or cursor:
            answer = gateway.get(path + (f"&cursor={cursor.replace('|', '%7C')}" if cursor else ""), admin).json
            found += [row[key] for row in answer[rows]]
            cursor, pages = answer["next"], pages + 1
        whole = gateway.get(path.replace("limit=50", "limit=500").replace("limit=2", "limit=500"), admin).json
        assert found == [row[key] for row in whole[rows]] and pages > 1 and len(found) > 2


def test_the_pages_of_a_history_have_the_resolution_of_the_first(gateway: Served, admin: str) -> None:
    """Without `to` the span grows from page to page, until other windows would be chosen from it."""
    now = now_ms()
    first = gateway.get(f"{BOOK}/history?from={now - 880_000}&limit=1", admin).json
    path = f"{BOOK}/history?from={now - 920_000}&limit=1&cursor={first['next']}"
    second = gateway.get(path, admin).json
    assert (first["resolution"], second["resolution"]) == ("1s", "1s")
    assert second["windows"][0]["time"] - first["windows"][0]["time"] == 1000
    assert gateway.get(f"{path}&resolution=1m", admin).json["resolution"] == "1m"
    trades = gateway.get(f"/api/trades/kraken/BTC/USD?cursor={now - 60_000}.1m", admin).json
    assert trades["resolution"] == "1m"


def test_a_page_begins_at_its_cursor_although_the_hour_before_now_has_moved_on(gateway: Served, admin: str) -> None:
    whole = gateway.get(f"{BOOK}/history?from={now_ms() - 7_200_000}&resolution=1m&limit=500", admin).json["windows"]
    old = [row["time"] for row in whole if row["time"] < now_ms() - 3_660_000]
    page = gateway.get(f"{BOOK}/history?limit=500&cursor={old[0]}.1m", admin).json["windows"]
    assert len(old) > 1 and [row["time"] for row in page] == [row["time"] for row in whole][1:]


def test_the_span_chooses_windows(gateway: Served, admin: str) -> None:
    end = now_ms()
    sizes = [
        gateway.get(f"{BOOK}/history?from={end - 1000 * seconds}&to={end}", admin).json["resolution"]
        for seconds in (600, 3600, 86_400, 30 * 86_400)
    ]
    assert sizes == ["1s", "10s", "1m", "1h"]
    hours = gateway.get(f"{BOOK}/history?from={end - 7_200_000}&resolution=1h", admin).json["windows"]
    assert hours and all(row["time"] % 3_600_000 == 0 and row["imbalance_mean"] == 0.25 for row in hours)


def test_rows_come_as_csv_and_arrow_too(gateway: Served, admin: str) -> None:
    path = "/api/trades/kraken/BTC/USD?limit=5"
    rows = gateway.get(path, admin).json["trades"]
    answer = gateway.get(path, admin, accept="text/csv")
    assert answer.headers["content-type"].startswith("text/csv") and answer.headers["next"]
    assert [float(row["close"]) for row in csv.DictReader(io.StringIO(answer.body.decode()))] == [100.5] * 5
    arrow = gateway.get(path, admin, accept="application/vnd.apache.arrow.stream")
    assert pa.ipc.open_stream(arrow.body).read_all().to_pylist() == rows


def test_analytics_of_a_chain(gateway: Served, admin: str) -> None:
    assert gateway.get("/api/analytics/max-pain/btc", admin).json["max_pain_strike"] == 100.0
    assert gateway.get("/api/analytics/pcr/BTC?history=true", admin).json["history"]
    assert gateway.get(f"/api/analytics/exposure/BTC?expiry={EXPIRY}", admin).json["strikes"][0]["naive"] == 1.0
    assert gateway.get("/api/analytics/open-interest/BTC", admin).json["call_wall"] == 110.0
    seconds = gateway.get(f"/api/data/chain/BTC?expiry={EXPIRY}&limit=3", admin).json["chains"]
    assert len({each["summary"]["event_time"] for each in seconds}) == 3
    (quality,) = gateway.get("/api/quality", admin).json["books"]
    assert (quality["gaps"], quality["latency_p50_ms"], quality["latency_p99_ms"]) == (1, 150.0, 150.0)


@pytest.mark.parametrize(
    ("path", "status", "field", "detail"),
    [
        (f"{BOOK}/history?from=2&to=1", 422, "from", "expected a time before `to`"),
        (f"{BOOK}/history?limit=0", 422, "limit", "Input should be greater than or equal to 1"),
        ("/api/alerts?severity=loud", 422, "severity", "Input should be 'high', 'medium' or 'info'"),
        ("/api/books/kraken/NONE", 404, None, "no book kraken:NONE is known"),
        ("/api/data/chain/BTC?expiry=2020-01-01", 404, None, f"BTC has no expiry 2020-01-01; it has {EXPIRY}"),
    ],
)
def test_problems_name_the_field_and_the_remedy(
    gateway: Served, admin: str, path: str, status: int, field: str | None, detail: str
) -> None:
    answer = gateway.get(path, admin)
    assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json")
    assert [each["field"] for each in answer.json.get("errors", [])] == ([field] if field else [])
    assert detail in answer.json["detail"]


def test_the_documentation_needs_no_other_server(gateway: Served, browser_libraries: Path) -> None:
    page = gateway.get("/api/docs").body.decode()
    sources = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert sources and not [each for each in sources if "//" in each]
    for source in sources:
        if not source.startswith("data:"):
            assert gateway.get(source).status == 200, source


def test_a_database_that_is_away_is_said_and_newest_values_still_come(backend: Backend, tmp_path: Path) -> None:
    nowhere = "postgresql://depthflow_reader:x@127.0.0.1:1/depthflow"
    served = Served(backend.environment(reader_postgres_dsn=nowhere), tmp_path / "gateway.log")
    served.start(ready=False)
    try:
        token = served.login()["token"]
        ready = served.get("/ready")
        assert (ready.status, ready.json["status"]) == (503, "database unavailable")
        alerts = served.get("/api/alerts", token)
        assert (alerts.status, alerts.json["detail"]) == (503, "the database is unavailable or too slow")
        assert served.get(BOOK, token).status == 200
    finally:
        served.stop()
