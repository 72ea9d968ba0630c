"""Our book: msgspec into doubles, sorted lists."""

import msgspec

from bench.peers.timing import DEPTH, Apply, TopSum, report
from market.orderbook.book import Book


class Update(msgspec.Struct):
    """The levels of a frame; prices and sizes are texts of decimals, read as doubles."""

    b: list[tuple[float, float]]
    a: list[tuple[float, float]]


class Frame(msgspec.Struct):
    data: Update


def open_book() -> tuple[Apply, TopSum]:
    """An empty book."""
    book, decode = Book(), msgspec.json.Decoder(Frame, strict=False).decode

    def apply(frame: bytes) -> None:
        update = decode(frame).data
        book.apply(update.b, update.a)

    def top_sum() -> float:
        return sum(book.bids.top(DEPTH).sizes) + sum(book.asks.top(DEPTH).sizes)

    return apply, top_sum


if __name__ == "__main__":
    report(open_book)
