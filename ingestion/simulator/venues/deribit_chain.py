"""An option chain on the simulated Deribit: tickers, the index, instruments that come and go (`venues.md` §5.4)."""

from collections.abc import Iterable, Iterator

from ingestion.generator.chain import ChainModel, Slice
from ingestion.generator.option_frames import Row, instruments, names, notification, tickers
from ingestion.simulator.listing import Publication, Wanted

INTERVAL = "100ms"


class ChainListing:
    """All options of one underlying under one symbol (`BTC`); its step re-quotes one expiry."""

    def __init__(self, model: ChainModel) -> None:
        self.symbol = model.underlying.name
        self.model = model
        self._item = model.underlying
        self._index = f"deribit_price_index.{self._item.index_name}"
        self._states = tuple(
            f"instrument.state.{kind}.{currency}" for kind in ("option", "any") for currency in (self.symbol, "any")
        )
        self._tickers: dict[str, Row] = {}
        for part in model.slices:
            self._tickers |= self._quoted(part)

    def offers(self, stream: str) -> bool:
        return self._named(stream) in self._tickers or stream == self._index or stream in self._states

    def advance(self, time_us: int, wanted: Wanted) -> Iterator[Publication]:
        time_ms = time_us // 1000
        while self.model.due(time_ms):
            yield from self.roll(time_ms)
        quotes = self.model.step(time_ms)
        yield self._publication(self._index)
        for name, row in tickers(self._item, quotes):
            self._tickers[name] = row
            stream = f"ticker.{name}.{INTERVAL}"
            if wanted(stream):
                yield self._publication(stream)

    def roll(self, time_ms: int) -> Iterator[Publication]:
        """Let the nearest expiry be over and list a further one; its options say so."""
        rolled = self.model.roll()
        for name, _, _ in names(self._item, rolled.gone):
            del self._tickers[name]
        self._tickers |= self._quoted(rolled.new)
        yield from self._told(rolled.gone, "closed", time_ms)
        yield from self._told(rolled.new, "started", time_ms)

    def snapshot(self, stream: str, time_us: int) -> Publication | None:
        """A ticker and the index are told at once; states only when they change."""
        return None if stream in self._states or not self.offers(stream) else self._publication(stream)

    def truth(self, depth: int | None) -> None:
        """A chain is no book: what it holds is in `tickers`."""

    def tickers(self) -> Iterable[Row]:
        """The newest ticker of every option that is listed."""
        return self._tickers.values()

    def instruments(self) -> Iterator[Row]:
        """Rows of `get_instruments`."""
        for part in self.model.slices:
            yield from instruments(self._item, part)

    def index(self) -> Row:
        """The index and its price."""
        return {"index_name": self._item.index_name, "price": self.model.index, "timestamp": self.model.time}

    def _quoted(self, part: Slice) -> dict[str, Row]:
        return dict(tickers(self._item, self.model.quote(part)))

    def _publication(self, stream: str) -> Publication:
        if stream == self._index:
            return Publication(stream, self.symbol, "index", notification(stream, self.index()))
        return Publication(stream, self.symbol, "ticker", notification(stream, self._tickers[self._named(stream)]))

    def _told(self, part: Slice, state: str, time_ms: int) -> Iterator[Publication]:
        for name, _, _ in names(self._item, part):
            data = {"timestamp": time_ms, "state": state, "instrument_name": name}
            for stream in self._states:
                yield Publication(stream, self.symbol, "instrument", notification(stream, data))

    def _named(self, stream: str) -> str:
        return stream.removeprefix("ticker.").removesuffix(f".{INTERVAL}") if stream.startswith("ticker.") else ""
