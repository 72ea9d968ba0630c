"""Recovery of lost books: snapshots, resubscriptions, resync requests."""

from random import Random
from typing import Any, cast

import pytest

from core.records import Envelope, Resync
from ingestion.forwarder.context import ConnectionPolicy, ForwarderContext
from ingestion.forwarder.plan import make_plan
from ingestion.forwarder.recovery import BookRecovery
from ingestion.forwarder.settings import ForwardSettings
from ingestion.forwarder.stats import ForwarderStats
from venues.protocol import Stream
from venues.registry import VENUES

BOOK, TRADES = Stream("depth@100ms", "BTCUSDT"), Stream("aggTrade", "BTCUSDT")


class FakePool:
    """Pool whose connection `new` replaces another one."""

    def is_replacement(self, conn: str) -> bool:
        return conn == "new"

    def sessions(self) -> list[Any]:
        return []

    def sessions_with_book(self, symbol: str) -> list[Any]:
        return []


class FakeFetcher:
    def __init__(self) -> None:
        self.requests: list[str] = []

    def request(self, symbol: str) -> None:
        self.requests.append(symbol)


@pytest.fixture
def fetcher() -> FakeFetcher:
    return FakeFetcher()


@pytest.fixture
def forwarded() -> list[Envelope]:
    return []


@pytest.fixture
def recovery(fetcher: FakeFetcher, forwarded: list[Envelope]) -> BookRecovery:
    async def no_wait() -> None:
        """Return at once."""

    settings = ForwardSettings(_env_file=None, venue="binance", symbols="BTCUSDT")
    policy: ConnectionPolicy = make_plan(settings).policy
    context = ForwarderContext(
        VENUES["binance"].protocol,
        ForwarderStats("binance"),
        policy,
        forwarded.append,
        no_wait,
        lambda conn, streams: None,
        Random(1),
    )
    return BookRecovery(context, cast(Any, FakePool()), cast(Any, fetcher))


def test_each_newly_subscribed_book_requests_a_snapshot(recovery: BookRecovery, fetcher: FakeFetcher) -> None:
    recovery.on_subscribed("c0", [BOOK, TRADES])
    assert fetcher.requests == ["BTCUSDT"]


def test_a_replacement_connection_requests_no_snapshot(recovery: BookRecovery, fetcher: FakeFetcher) -> None:
    recovery.on_subscribed("new", [BOOK])
    assert fetcher.requests == []


def test_a_snapshot_without_a_connection_is_discarded(recovery: BookRecovery, forwarded: list[Envelope]) -> None:
    recovery.forward_snapshot("BTCUSDT", b"{}", 0)
    assert forwarded == []


def test_a_request_for_a_book_without_a_connection_is_ignored(recovery: BookRecovery, fetcher: FakeFetcher) -> None:
    recovery.handle_request(Resync("binance", "BTCUSDT", None, "sequence", 0), requested_at=0)
    assert fetcher.requests == []
