"""Segments in a folder of the test, and books whose numbers are all equal, so that a mixture shows."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.records import Trade
from ring.layout import Layout
from ring.view import Ring
from ring.writer import RingWriter

KEY = "binance:BTCUSDT"
SMALL = Layout(slots=4, levels=5, books=4, trades=8, ticks=4)


@contextmanager
def opened(folder: Path, layout: Layout = SMALL) -> Iterator[tuple[RingWriter, Ring]]:
    """A writer and a reader of one segment."""
    writer = RingWriter(folder / "test.ring", layout)
    try:
        yield writer, Ring(writer.path)
    finally:
        writer.close()


def write(writer: RingWriter, number: int, levels: int = 5, key: str = KEY) -> None:
    """Write a book of which every number is the same."""
    side = [float(number)] * (2 * levels)
    writer.write_book(key, number, number, number, side, side)


def trade(number: int) -> Trade:
    return Trade("binance", "BTCUSDT", number, 1000 * number, str(number), float(number), 0.5, "sell")
