"""Literals that the tests of ingestion share."""

import gzip
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from ingestion.generator import Generator, Plan, Shape, instrument
from ingestion.generator.wire import Wire
from market.keeper import Batch, Keeper, KeeperConfig
from market.records import Envelope, TopOfBook
from tests.frames import recorded_path

SYMBOLS = {"binance": "ETHUSDT", "binance_usdm": "BTCUSDT", "kraken": "BTC/USD", "deribit": "BTC-PERPETUAL"}

encode = msgspec.json.Encoder().encode


def only(folder: str) -> Path:
    """The one recording of a folder whose full name would not fit a line."""
    return next(iter(sorted(recorded_path("").glob(folder))))


def stored(folder: Path, *lines: str, name: str = "recording.jsonl") -> Path:
    """A recording with these lines."""
    path = folder / name
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def zipped(path: Path) -> Path:
    """The same recording, compressed."""
    target = path.with_name(path.name + ".gz")
    target.write_bytes(gzip.compress(path.read_bytes()))
    return target


def generator(venue: str, levels: int = 60, touched: int = 12, **plan: Any) -> Generator:
    """A generator of one symbol."""
    return Generator(Plan((instrument(venue, SYMBOLS[venue]),), shape=Shape(levels, touched), **plan))


def keeper(venue: str, levels: int = 20) -> Keeper:
    """The keeper of the generator's symbol."""
    return Keeper(venue, SYMBOLS[venue], KeeperConfig(levels=levels))


def fed(target: Keeper, envelopes: Iterable[Envelope]) -> Batch:
    """What comes out when the keeper is fed the envelopes."""
    return target.apply_all([encode(envelope) for envelope in envelopes])


def states(batch: Batch) -> list[str]:
    """The states that the batch told of, in order."""
    return [msgspec.json.decode(status)["state"] for status in batch.statuses]


def stepped(wire: Wire, steps: int) -> Iterator[Envelope]:
    """All that one symbol says in its first steps: unlike a slice of the frames, it ends where the model stands."""
    yield from wire.connect(0)
    for step in range(1, steps + 1):
        yield from wire.advance(step * 100_000)


def top(batch: Batch) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    """Bids and asks of the batch's last book."""
    assert batch.book is not None
    book = msgspec.json.decode(batch.book, type=TopOfBook)
    return book.bids, book.asks
