"""An option chain on the simulated Deribit: tickers, the index, instruments that are listed and expire."""

from collections.abc import Iterable, Iterator

from simulator.generator.chain import ChainModel, Slice
from simulator.publication import HasSubscribers, Publication
from simulator.venues.deribit.option_frames import Row, instruments, notification, option_names, tickers

INTERVAL = "100ms"


class OptionChain:
    """All options of one underlying, listed under one symbol (`BTC`). A step re-quotes one expiry."""

    def __init__(self, model: ChainModel) -> None:
        self.symbol = model.underlying.name
        self.model = model
        self._underlying = model.underlying
        self._index = f"deribit_price_index.{self._underlying.index_name}"
        self._states = tuple(
            f"instrument.state.{kind}.{currency}" for kind in ("option", "any") for currency in (self.symbol, "any")
        )
        self._tickers: dict[str, Row] = {}
        for expiry_slice in model.slices:
            self._tickers |= self._quote(expiry_slice)

    def offers(self, stream: str) -> bool:
        return self._option_name(stream) in self._tickers or stream == self._index or stream in self._states

    def advance(self, time_us: int, has_subscribers: HasSubscribers) -> Iterator[Publication]:
        time_ms = time_us // 1000
        while self.model.is_roll_due(time_ms):
            yield from self.roll(time_ms)
        quotes = self.model.step(time_ms)
        yield self._publication(self._index)
        for name, row in tickers(self._underlying, quotes):
            self._tickers[name] = row
            stream = f"ticker.{name}.{INTERVAL}"
            if has_subscribers(stream):
                yield self._publication(stream)

    def roll(self, time_ms: int) -> Iterator[Publication]:
        """Expire the nearest expiry and list a further one; publishes the state of their options."""
        rolled = self.model.roll()
        for name, _, _ in option_names(self._underlying, rolled.expired):
            del self._tickers[name]
        self._tickers |= self._quote(rolled.listed)
        yield from self._states_of(rolled.expired, "closed", time_ms)
        yield from self._states_of(rolled.listed, "started", time_ms)

    def snapshot(self, stream: str, time_us: int) -> Publication | None:
        """A ticker and the index have a snapshot; states are published only when they change."""
        return None if stream in self._states or not self.offers(stream) else self._publication(stream)

    def reference_book(self, depth: int | None) -> None:
        """A chain has no book; its quotes are in `tickers`."""

    def tickers(self) -> Iterable[Row]:
        """The newest ticker of every listed option."""
        return self._tickers.values()

    def instruments(self) -> Iterator[Row]:
        """Rows of `get_instruments`."""
        for expiry_slice in self.model.slices:
            yield from instruments(self._underlying, expiry_slice)

    def index(self) -> Row:
        """Name, price and time (epoch ms) of the index."""
        return {"index_name": self._underlying.index_name, "price": self.model.index, "timestamp": self.model.time}

    def forwards(self) -> dict[str, float]:
        """The model's forward by expiry."""
        return {expiry_slice.expiry.label: self.model.forward(expiry_slice) for expiry_slice in self.model.slices}

    def _quote(self, expiry_slice: Slice) -> dict[str, Row]:
        return dict(tickers(self._underlying, self.model.quote(expiry_slice)))

    def _publication(self, stream: str) -> Publication:
        if stream == self._index:
            return Publication(stream, self.symbol, "index", notification(stream, self.index()))
        return Publication(
            stream, self.symbol, "ticker", notification(stream, self._tickers[self._option_name(stream)])
        )

    def _states_of(self, expiry_slice: Slice, state: str, time_ms: int) -> Iterator[Publication]:
        for name, _, _ in option_names(self._underlying, expiry_slice):
            data = {"timestamp": time_ms, "state": state, "instrument_name": name}
            for stream in self._states:
                yield Publication(stream, self.symbol, "instrument", notification(stream, data))

    def _option_name(self, stream: str) -> str:
        return stream.removeprefix("ticker.").removesuffix(f".{INTERVAL}") if stream.startswith("ticker.") else ""
