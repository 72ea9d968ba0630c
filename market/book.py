"""One L2 book: two sides, and whether they cross."""

from collections.abc import Iterable, Sequence

from market.side import Action, Level, Side


class Book:
    """Bids and asks of one symbol."""

    __slots__ = ("asks", "bids")

    def __init__(self) -> None:
        self.bids = Side(1.0)
        self.asks = Side(-1.0)

    def apply(self, bids: Sequence[Level], asks: Sequence[Level]) -> None:
        """Apply one complete message."""
        if bids:
            self.bids.apply(bids)
        if asks:
            self.asks.apply(asks)

    def act(self, bids: Sequence[Action], asks: Sequence[Action]) -> int:
        """Apply one complete message of actions; returns how many surprised."""
        return (self.bids.act(bids) if bids else 0) + (self.asks.act(asks) if asks else 0)

    def replace(self, bids: Iterable[Level], asks: Iterable[Level]) -> None:
        """Install a snapshot in place of whatever was there."""
        self.bids.replace(bids)
        self.asks.replace(asks)

    def clear(self) -> None:
        """Hold nothing."""
        self.replace((), ())

    def crossed(self) -> bool:
        """Whether the best bid is at or above the best ask: after a complete message, a fault."""
        bids, asks = self.bids.keys, self.asks.keys
        return len(bids) > 1 and len(asks) > 1 and bids[-2] + asks[-2] >= 0
