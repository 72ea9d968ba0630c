"""All venues by id, found by discovery, and the builders that need a venue's rules.

A venue is a package with a tuple `VENUES` of `Venue`: a sub-package of `venues/`, or a package of another distribution
that names itself as an entry point of the group `depthflow.venues` (docs/add-a-venue.md). `VENUES` is read at each
look-up, so a test adds a venue with `monkeypatch.setitem`.
"""

from collections.abc import Iterable, Iterator
from importlib import import_module
from importlib.metadata import entry_points
from pkgutil import iter_modules
from types import ModuleType
from typing import TYPE_CHECKING

import venues
from core.envelope import InvalidRecord
from market.options.feed import OptionFeed
from market.orderbook.book_batch import Batch
from market.orderbook.book_config import BookConfig
from market.orderbook.builder import BookBuilder
from market.reject_all import RejectAll
from venues.sizes import base_coin
from venues.venue import Venue

if TYPE_CHECKING:
    from market.options.builder import ChainBuilder
    from market.options.chain_batch import ChainBatch, ChainConfig

ENTRY_POINTS = "depthflow.venues"
MAX_SYMBOL = 64  # characters; the symbol is part of indexes of the database and of Redis channels


def discover(package: ModuleType) -> Iterator[Venue]:
    """Venues of the sub-packages of `package`, in the order of their names."""
    for module in iter_modules(package.__path__, f"{package.__name__}."):
        if module.ispkg:
            yield from import_module(module.name).VENUES


def discover_installed() -> Iterator[Venue]:
    """Venues of other distributions, by entry point."""
    for entry_point in entry_points(group=ENTRY_POINTS):
        yield from entry_point.load().VENUES


def by_id(found: Iterable[Venue]) -> dict[str, Venue]:
    """Venues by id. Raises ValueError when two share one."""
    listed: dict[str, Venue] = {}
    for venue in found:
        if listed.setdefault(venue.id, venue) is not venue:
            raise ValueError(f"two venues have the id {venue.id!r}: rename one of them")
    return listed


VENUES: dict[str, Venue] = by_id([*discover(venues), *discover_installed()])


def size_unit(venue: str, symbol: str) -> str:
    """Unit of a book's sizes: a coin, or the currency that its contracts count. An unknown venue counts coins."""
    found = VENUES.get(venue)
    return base_coin(symbol) if found is None else found.size_unit(symbol)


def open_builder(key: str | None, config: BookConfig, entries: Iterable[bytes] = ()) -> BookBuilder | RejectAll[Batch]:
    """The builder of a record key `venue:symbol`, restored from its journal if there is one."""
    name, _, symbol = (key or "").partition(":")
    venue = VENUES.get(name)
    if venue is None or not symbol:
        return RejectAll(
            f"expected a key venue:symbol with venue one of {', '.join(VENUES)}, got {key!r}", Batch.all_rejected
        )
    if len(symbol) > MAX_SYMBOL or not symbol.isprintable():
        got = f"{len(symbol)}: {symbol[:MAX_SYMBOL]!r}"
        return RejectAll(
            f"expected a symbol of at most {MAX_SYMBOL} printable characters, got {got}", Batch.all_rejected
        )
    if reason := venue.refusal(symbol):
        return RejectAll(reason, Batch.all_rejected)
    return BookBuilder.restore(name, symbol, config, venue.open_book_sync, entries)


def option_feeds() -> dict[str, OptionFeed]:
    """Venues that have option chains, by id."""
    return {venue.id: venue.options for venue in VENUES.values() if venue.options is not None}


def open_chain_builder(
    key: str | None, config: "ChainConfig", entries: Iterable[bytes] = ()
) -> "ChainBuilder | RejectAll[ChainBatch]":
    """The builder of a record key `venue:underlying`, restored from its journal if there is one."""
    from market.options.builder import ChainBuilder  # loads numpy, which books do not need
    from market.options.chain import check_name
    from market.options.chain_batch import ChainBatch

    venue, _, underlying = (key or "").partition(":")
    feeds = option_feeds()
    if venue not in feeds or not underlying:
        reason = (
            f"expected a key venue:underlying with venue one of {', '.join(feeds)}, got {(key or '')[:MAX_SYMBOL]!r}"
        )
        return RejectAll(reason, ChainBatch.all_rejected)
    try:
        check_name(underlying)
    except InvalidRecord as error:
        return RejectAll(f"underlying: {error}", ChainBatch.all_rejected)
    return ChainBuilder.restore(venue, underlying, config, feeds[venue], entries)
