"""Books rebuilt from recordings without Flink."""

from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest

from core.records import Envelope, Processed
from ingestion.rebuild import Rebuild
from ingestion.recordings import Recording
from market.orderbook.book_config import BookConfig
from tests.ingestion.builders import apply_all, book_builder, generator, simulate
from tests.recorded_frames import recorded_path
from venues.stamping import Stamper


def rebuilt(envelopes: Iterable[Envelope]) -> tuple[Rebuild, list[bytes]]:
    rebuild = Rebuild(BookConfig())
    return rebuild, list(rebuild.records(envelopes))


def test_records_equal_those_of_the_builder() -> None:
    rebuild, records = rebuilt(simulate(generator("binance").connections[0], 50))
    assert records == apply_all(book_builder("binance"), simulate(generator("binance").connections[0], 50)).processed
    assert msgspec.json.decode(records[0], type=Processed).symbol == "ETHUSDT"
    assert rebuild.out_of_sync == []
    assert rebuild.books["binance:ETHUSDT"].counts.applied == len(records)


def test_a_book_without_a_snapshot_is_out_of_sync() -> None:
    rebuild, records = rebuilt(e for e in simulate(generator("binance").connections[0], 50) if e.channel != "snapshot")
    assert records == []
    assert rebuild.out_of_sync == ["binance:ETHUSDT"]


def test_a_key_with_only_trades_has_no_book() -> None:
    rebuild, _ = rebuilt(e for e in simulate(generator("kraken").connections[0], 50) if e.channel == "trade")
    assert not rebuild.books["kraken:BTC/USD"].has_book
    assert rebuild.out_of_sync == []


def test_rejected_frames_are_counted_and_the_first_reasons_recorded() -> None:
    stamper = Stamper("binance", "c")
    rebuild, _ = rebuilt(stamper.stamp("depth", "A", n, b'{"e":"depthUpdate","u":"x"}') for n in range(30))
    assert rebuild.books["binance:A"].counts.rejected == 30
    assert len(rebuild.reject_reasons) == 20
    assert rebuild.reject_reasons[0].startswith("binance:A conn c seq 0: ")


@pytest.mark.parametrize("channel", ["ticker.100ms", "instrument", "book_summary"])
def test_option_channels_have_no_book(channel: str) -> None:
    rebuild, _ = rebuilt([Stamper("deribit", "c").stamp(channel, "BTC", 1, b"{}")])
    assert (rebuild.books, rebuild.other_channels) == ({}, {channel: 1})


@pytest.mark.parametrize("path", sorted(recorded_path("fixtures/").glob("*/*.jsonl")), ids=lambda path: str(path)[-30:])
def test_the_books_of_a_fixture_lose_one_frame_and_end_in_sync(path: Path) -> None:
    rebuild, records = rebuilt(Recording(path))
    books = [book for book in rebuild.books.values() if book.has_book]
    assert records and books
    assert sum(book.counts.gaps for book in books) == 1
    assert (rebuild.out_of_sync, rebuild.reject_reasons) == ([], [])
