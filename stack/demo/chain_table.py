"""The demo's table of `options.chain`: one line per expiry."""

from collections.abc import Iterable

from rich.table import Table

from market.options.records import ChainRecord
from reader.chain_tables import expiry_row

HEADINGS = ("expiry", "days", "forward", "ATM IV", "move", "RR25", "PCR", "max pain", "put wall", "call wall", "OI")


class ChainTable:
    """The newest record of each chain and expiry."""

    def __init__(self) -> None:
        self._total = 0
        self._newest: dict[tuple[str, int], ChainRecord] = {}

    def add(self, records: Iterable[ChainRecord]) -> None:
        """Add new records."""
        for record in records:
            self._newest[record.underlying, record.expiry] = record
            self._total += 1

    def table(self) -> Table:
        """The table, ordered by underlying and expiry."""
        table = Table(title=f"options.chain: {self._total:,} records", title_justify="left")
        for text in ("venue", "underlying"):
            table.add_column(text, no_wrap=True)
        for heading in HEADINGS:
            table.add_column(heading, justify="right", no_wrap=True)
        for _, record in sorted(self._newest.items()):
            row = expiry_row(record)
            table.add_row(record.venue, record.underlying, *(row[heading] for heading in HEADINGS))
        return table
