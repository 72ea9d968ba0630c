"""The simulated exchange: its listed symbols, without clock or socket."""

from collections.abc import Iterable

from simulator.publication import HasSubscribers, Listed, ListedChain, Publication, ReferenceBook


class UnknownSymbolError(LookupError):
    """The exchange does not list the symbol."""


class Exchange:
    """Listed symbols by name. The symbols contain all state; two exchanges share none."""

    def __init__(self, listed: Iterable[Listed]) -> None:
        self.listed = {each.symbol: each for each in listed}

    def advance(self, symbol: str, time_us: int, has_subscribers: HasSubscribers) -> Iterable[Publication]:
        """One step of one symbol's market."""
        return self.listed[symbol].advance(time_us, has_subscribers)

    def find_stream(self, stream: str) -> Listed | None:
        """The symbol that has this stream."""
        return next((each for each in self.listed.values() if each.offers(stream)), None)

    def reference_book(self, symbol: str, depth: int | None = None) -> ReferenceBook:
        """The book that a client should have. Raises UnknownSymbolError."""
        book = self.find_symbol(symbol).reference_book(depth)
        if book is None:
            raise UnknownSymbolError(f"{symbol} is an option chain and has no book")
        return book

    def find_symbol(self, symbol: str) -> Listed:
        """The listed symbol. Raises UnknownSymbolError."""
        if symbol not in self.listed:
            raise UnknownSymbolError(f"unknown symbol {symbol!r}; expected one of {', '.join(self.listed)}")
        return self.listed[symbol]

    def find_chain(self, underlying: str) -> ListedChain:
        """The option chain. Raises UnknownSymbolError."""
        found = self.find_symbol(underlying)
        if not isinstance(found, ListedChain):
            raise UnknownSymbolError(f"{underlying} is not an option chain")
        return found
