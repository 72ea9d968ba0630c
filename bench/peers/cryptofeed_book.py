"""cryptofeed's book, filled as its handler of Binance does: yapic.json, decimals, the C extension `order_book`."""

from decimal import Decimal

from cryptofeed.types import OrderBook
from yapic import json

from bench.peers.timing import DEPTH, Apply, TopSum, report


def open_book() -> tuple[Apply, TopSum]:
    """An empty book."""
    book = OrderBook("BINANCE", "COIN-USDT").book

    def apply(frame: bytes) -> None:
        message = json.loads(frame, parse_float=Decimal)["data"]
        for side, name in ((book.bids, "b"), (book.asks, "a")):
            for price, size in message[name]:
                level, amount = Decimal(price), Decimal(size)
                if amount:
                    side[level] = amount
                elif level in side:
                    del side[level]

    def top_sum() -> float:
        return sum(float(side.index(at)[1]) for side in (book.bids, book.asks) for at in range(min(DEPTH, len(side))))

    return apply, top_sum


if __name__ == "__main__":
    report(open_book)
