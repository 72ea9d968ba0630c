"""Order book of one symbol, aggregated by price (L2)."""

from collections.abc import Iterable, Sequence

from market.orderbook.book_side import BookSide, Level, LevelChange


class Book:
    """Bids and asks of one symbol."""

    __slots__ = ("asks", "bids")

    def __init__(self) -> None:
        self.bids = BookSide(1.0)
        self.asks = BookSide(-1.0)

    def apply(self, bids: Sequence[Level], asks: Sequence[Level]) -> None:
        """Apply one complete message."""
        if bids:
            self.bids.apply(bids)
        if asks:
            self.asks.apply(asks)

    def apply_actions(self, bids: Sequence[LevelChange], asks: Sequence[LevelChange]) -> int:
        """Apply one complete message of level actions; return the number of surprises (`BookSide.apply_actions`)."""
        return (self.bids.apply_actions(bids) if bids else 0) + (self.asks.apply_actions(asks) if asks else 0)

    def replace(self, bids: Iterable[Level], asks: Iterable[Level]) -> None:
        """Replace all levels with those of a snapshot."""
        self.bids.replace(bids)
        self.asks.replace(asks)

    def clear(self) -> None:
        """Remove all levels."""
        self.replace((), ())

    def crossed(self) -> bool:
        """True if the best bid is at or above the best ask: an error once a message has been applied completely."""
        bids, asks = self.bids.keys, self.asks.keys
        return len(bids) > 1 and len(asks) > 1 and bids[-2] + asks[-2] >= 0
