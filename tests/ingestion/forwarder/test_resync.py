from ingestion.forwarder.resync import Requests
from market.records import Resync

NOW = 1_767_225_600_000
MINE, FOREIGN = "mine", "foreign"


def request(conn: str | None = MINE, since: int = NOW, venue: str = "kraken", symbol: str = "BTC/USD") -> Resync:
    return Resync(venue, symbol, conn, "checksum", since)


def admits(requests: Requests, asked: Resync, told_ms: int = NOW, now_ms: int = NOW) -> bool:
    return requests.admit(asked, told_ms, now_ms, lambda conn: conn == MINE)


def test_requests_of_other_venues_are_nobodys_business() -> None:
    assert not admits(Requests("kraken", True), request(venue="deribit"))


def test_an_old_request_is_passed_over() -> None:
    requests = Requests("kraken", True, expiry_ms=60_000)
    assert not admits(requests, request(), now_ms=NOW + 60_001)
    assert admits(requests, request(), now_ms=NOW + 60_000)


def test_what_was_told_before_the_answer_is_answered() -> None:
    requests = Requests("binance", False)
    requests.answered("BTC/USD", NOW + 500)
    asked = request(venue="binance")
    assert not admits(requests, asked, told_ms=NOW + 500, now_ms=NOW + 600)
    assert admits(requests, asked, told_ms=NOW + 501, now_ms=NOW + 600)


def test_another_forwarders_connection_is_left_to_it_until_the_request_is_repeated() -> None:
    requests = Requests("kraken", True)
    assert not admits(requests, request(FOREIGN))
    assert admits(requests, request(FOREIGN), told_ms=NOW + 1000, now_ms=NOW + 1000)
    assert not admits(requests, request(FOREIGN, since=NOW + 9000), told_ms=NOW + 9000, now_ms=NOW + 9000)


def test_a_snapshot_by_rest_helps_whoever_asks() -> None:
    assert admits(Requests("binance", False), request(FOREIGN, venue="binance"))


def test_a_request_without_a_connection_is_everybodys() -> None:
    assert admits(Requests("kraken", True), request(None))
