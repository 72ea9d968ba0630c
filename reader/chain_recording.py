"""Option chain from a recording."""

import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from core.envelope import InvalidRecord
from core.errors import UserError
from ingestion.option_rows import option_events, option_feed
from ingestion.recordings import ReadAccount, open_recording
from market.options.chain import Chain
from market.options.chain_records import chain_records
from market.options.events import Event, IndexPrice, OptionQuote, RefusedRow
from market.options.feed import OptionFeed
from market.options.priced_chain import price_chain
from market.options.surface import build_surface
from market.options.surface_records import surface_records
from reader.chain_snapshot import ChainSnapshot
from venues.registry import option_feeds


def read_recording(
    path: Path, underlying: str, venue: str | None = None, account: ReadAccount | None = None
) -> ChainSnapshot:
    """Chain at the newest quote of a recording, in any format that depthflow reads.

    `venue` is the exchange of the recording; None: the first one that has options. Rows that are used, skipped and
    refused are added to `account`.
    Raises `UserError` when the file cannot be read or contains no unexpired option of the underlying.
    """
    feeds = option_feeds()
    venue = venue or next(iter(feeds))
    account = ReadAccount() if account is None else account
    chain, newest, others = Chain(underlying, feeds[venue]), 0, Counter[str]()
    for place, event in _events(path, venue, account):
        if isinstance(event, InvalidRecord):
            name = event.name if isinstance(event, RefusedRow) else ""
            if name and feeds[venue].underlying(name) != underlying:
                others[feeds[venue].underlying(name)] += 1
                continue
            chain.refuse(name)
            account.refuse(place, str(event))
            continue
        try:
            changed = chain.apply(event)
        except InvalidRecord as reason:
            if _is_misnamed(event, feeds[venue], underlying):
                account.refuse(place, str(reason))
            else:
                others[_other(event, feeds[venue])] += 1
            continue
        account.used += changed
        account.skipped["repeated, late or expired"] += not changed
        if changed and isinstance(event, OptionQuote):
            newest = max(newest, event.time)
    account.skipped += Counter({f"of {name}" if name else "no options": count for name, count in others.items()})
    view = chain.view(newest)
    if not view.layout.instruments:
        known = ", ".join(sorted(filter(None, others)))
        expected = f"expected one of {known}" if known else "it contains no options at all"
        if account.refused and not known:
            expected = f"all that could be options was refused ({account.refused:,})"
        raise UserError(f"{path} contains no options on {underlying}; {expected}")
    priced = price_chain(view)
    surface = build_surface(priced)
    options = surface_records(venue, priced, surface, [None] * len(view.layout.instruments))
    return ChainSnapshot.of(chain_records(venue, priced, surface), options)


def _events(path: Path, venue: str, account: ReadAccount) -> Iterator[tuple[str, Event | InvalidRecord]]:
    """Events with the places of their frames."""
    recording = open_recording(path, venue)
    for envelope in recording:
        feed = option_feed(envelope)
        if feed is None:
            account.skipped[envelope.channel] += 1
            continue
        for event in option_events(envelope, feed):
            yield recording.report.place, event
    account.add_report(recording.report)


def _is_misnamed(event: Event, feed: OptionFeed, underlying: str) -> bool:
    """True for a quote of the chain with a volatility, as only options have, whose name is that of no option."""
    if not isinstance(event, OptionQuote) or feed.underlying(event.name) != underlying:
        return False
    return feed.parse_name(event.name) is None and not math.isnan(event.quote.mark_iv)


def _other(event: Event, feed: OptionFeed) -> str:
    """Underlying of an event of another chain, "" for one of no option."""
    if isinstance(event, OptionQuote) and feed.parse_name(event.name) is None:
        return ""
    return feed.underlying(event.index_name if isinstance(event, IndexPrice) else event.name)
