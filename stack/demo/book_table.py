"""The demo's table of `orderbook.processed`: one line per symbol."""

from collections.abc import Iterable

from rich.table import Table

from core.records import Processed

RATE_WINDOW_S = 3.0


class BookTable:
    """The newest record, rate and latency of each symbol. The caller passes the times."""

    def __init__(self) -> None:
        self.total = 0
        self._newest: dict[tuple[str, str], Processed] = {}
        self._latency_ms: dict[tuple[str, str], float] = {}
        self._counts: dict[tuple[str, str], int] = {}
        self._rates: dict[tuple[str, str], float] = {}
        self._since: float | None = None

    def add(self, records: Iterable[Processed], now_us: int) -> None:
        """Add records that were consumed at `now_us` (epoch microseconds, as their `recv_us`)."""
        for record in records:
            key = record.venue, record.symbol
            self._newest[key] = record
            self._latency_ms[key] = (now_us - record.recv_us) / 1000
            self._counts[key] = self._counts.get(key, 0) + 1
            self.total += 1

    def update_rates(self, now: float) -> None:
        """Recompute the rates every RATE_WINDOW_S. `now`: seconds of any monotonic clock."""
        self._since = now if self._since is None else self._since
        elapsed = now - self._since
        if elapsed >= RATE_WINDOW_S:
            self._rates = {key: count / elapsed for key, count in self._counts.items()}
            self._counts, self._since = {}, now

    def table(self) -> Table:
        """The table, ordered by venue and symbol."""
        table = Table(title=f"orderbook.processed: {self.total:,} records", title_justify="left")
        for text in ("venue", "symbol"):
            table.add_column(text, no_wrap=True)
        for number in ("bid", "ask", "spread bps", "imbalance", "microprice", "ofi", "per second", "latency ms"):
            table.add_column(number, justify="right", no_wrap=True)
        for key, record in sorted(self._newest.items()):
            table.add_row(
                *key,
                _price(record.best_bid),
                _price(record.best_ask),
                _number(record.spread_bps, ".2f"),
                _colored(record.imbalance),
                _price(record.microprice),
                _number(record.ofi, "+,.3f"),
                _number(self._rates.get(key), ",.1f"),
                _number(self._latency_ms[key], ",.0f"),
            )
        return table


def _price(value: float | None) -> str:
    return "-" if value is None else f"{value:,.8g}"


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def _colored(imbalance: float | None) -> str:
    if imbalance is None:
        return "-"
    return f"[{'green' if imbalance >= 0 else 'red'}]{imbalance:+.3f}[/]"
