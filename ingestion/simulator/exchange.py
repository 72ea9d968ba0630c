"""The simulated exchange: its listings, without clock or socket."""

from collections.abc import Iterable

from ingestion.simulator.listing import Listing, Publication, Truth, Wanted


class UnknownSymbolError(LookupError):
    """Nothing of that name is listed here."""


class Exchange:
    """What is listed, by symbol. State lives in the listings; two exchanges share nothing."""

    def __init__(self, listings: Iterable[Listing]) -> None:
        self.listings = {listing.symbol: listing for listing in listings}

    def advance(self, symbol: str, time_us: int, wanted: Wanted) -> Iterable[Publication]:
        """One step of one symbol's market."""
        return self.listings[symbol].advance(time_us, wanted)

    def offering(self, stream: str) -> Listing | None:
        """The listing that has this stream."""
        return next((listing for listing in self.listings.values() if listing.offers(stream)), None)

    def truth(self, symbol: str, depth: int | None = None) -> Truth:
        """The book that a client should have. Raises UnknownSymbolError."""
        truth = self.listing(symbol).truth(depth)
        if truth is None:
            raise UnknownSymbolError(f"{symbol} is an option chain and has no book")
        return truth

    def listing(self, symbol: str) -> Listing:
        """What is listed under this symbol. Raises UnknownSymbolError."""
        if symbol not in self.listings:
            raise UnknownSymbolError(f"no symbol {symbol!r}; there are {', '.join(self.listings)}")
        return self.listings[symbol]
