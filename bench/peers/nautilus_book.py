"""nautilus_trader's book, filled as its adapter of Binance does: msgspec, deltas, the book in Rust."""

import msgspec
from nautilus_trader.adapters.binance.common.schemas.market import BinanceOrderBookMsg
from nautilus_trader.model.book import OrderBook
from nautilus_trader.model.enums import BookType
from nautilus_trader.model.identifiers import InstrumentId

from bench.peers.timing import DEPTH, Apply, TopSum, report


def open_book() -> tuple[Apply, TopSum]:
    """An empty book."""
    instrument = InstrumentId.from_str("COINUSDT.BINANCE")
    book, decode = OrderBook(instrument, BookType.L2_MBP), msgspec.json.Decoder(BinanceOrderBookMsg).decode

    def apply(frame: bytes) -> None:
        book.apply_deltas(decode(frame).data.parse_to_order_book_deltas(instrument, 0))

    def top_sum() -> float:
        return sum(float(level.size()) for side in (book.bids(), book.asks()) for level in side[:DEPTH])

    return apply, top_sum


if __name__ == "__main__":
    report(open_book)
