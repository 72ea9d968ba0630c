"""Builders shared by the tests of ingestion."""

import gzip
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from core.records import Envelope, TopOfBook
from market.orderbook.book_batch import Batch
from market.orderbook.book_config import BookConfig
from market.orderbook.builder import BookBuilder
from simulator.frame_generator import Generator, Plan
from simulator.generator.market import MarketShape
from simulator.generator.simulated_connection import SimulatedConnection
from simulator.registry import default_symbols, instrument
from tests.recorded_frames import recorded_path
from venues.registry import VENUES

SYMBOLS = {"binance": "ETHUSDT", "binance_usdm": "BTCUSDT", "kraken": "BTC/USD", "deribit": "BTC-PERPETUAL"}

encode = msgspec.json.Encoder().encode


def symbol_of(venue: str) -> str:
    """Symbol of the generated frames."""
    return SYMBOLS.get(venue) or default_symbols(venue)[0]


def recorded_file(folder: str) -> Path:
    """The first recorded file that matches a glob."""
    if folder.startswith("fixtures/"):
        return recorded_path(folder)
    return next(iter(sorted(recorded_path("").glob(folder))))


def write_recording(folder: Path, *lines: str, name: str = "recording.jsonl") -> Path:
    """A recording of these lines."""
    path = folder / name
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def gzip_copy(path: Path) -> Path:
    """A compressed copy of the recording."""
    target = path.with_name(path.name + ".gz")
    target.write_bytes(gzip.compress(path.read_bytes()))
    return target


def generator(venue: str, levels: int = 60, touched: int = 12, **plan: Any) -> Generator:
    """A generator of one symbol."""
    return Generator(Plan((instrument(venue, symbol_of(venue)),), shape=MarketShape(levels, touched), **plan))


def book_builder(venue: str, levels: int = 20) -> BookBuilder:
    """A builder of the generator's symbol."""
    return BookBuilder(venue, symbol_of(venue), BookConfig(levels=levels), VENUES[venue].open_book_sync)


def apply_all(builder: BookBuilder, envelopes: Iterable[Envelope]) -> Batch:
    """The builder's output for these envelopes."""
    return builder.apply_all([encode(envelope) for envelope in envelopes])


def status_states(batch: Batch) -> list[str]:
    """States of the batch's status records, in order."""
    return [msgspec.json.decode(status)["state"] for status in batch.statuses]


def simulate(connection: SimulatedConnection, steps: int) -> Iterator[Envelope]:
    """All frames of one symbol's first `steps` steps: unlike a slice of the frames, they end at the model's state."""
    yield from connection.connect(0)
    for step in range(1, steps + 1):
        yield from connection.advance(step * 100_000)


def top_of_book(batch: Batch) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    """Bids and asks of the batch's last book record."""
    assert batch.book is not None
    book = msgspec.json.decode(batch.book, type=TopOfBook)
    return book.bids, book.asks
