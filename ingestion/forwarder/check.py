"""`depthflow forward --check`: connects and subscribes without forwarding anything."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import aiohttp

from core.errors import UserError
from core.records import Envelope
from ingestion.background import first_of
from ingestion.forwarder.chains import ChainSubscriber
from ingestion.forwarder.context import ForwarderContext
from ingestion.forwarder.plan import ForwardPlan
from ingestion.forwarder.pool import ConnectionSlot, Pool
from ingestion.forwarder.snapshots import SnapshotFetcher
from ingestion.forwarder.stats import ForwarderStats
from ingestion.forwarder.symbol_check import SymbolCheck
from venues.protocol import Stream

TIMEOUT_S = 20.0
NAMED = 8  # symbols that a line names


class CheckError(UserError):
    """Not all streams could be subscribed."""


async def check(plan: ForwardPlan) -> list[str]:
    """One line for each connection, each chain and the snapshots.

    Asks the venue what `forward` asks: its list of symbols, its lists of options, and every subscription.

    Raises CheckError, ChainError, or FatalRefusal with the venue's own words.
    """
    stats = ForwarderStats(plan.protocol.venue)
    context = ForwarderContext(plan.protocol, stats, plan.policy, _discard, _no_wait, _ignore_subscribed)
    pool = Pool(context, plan.endpoint.ws, plan.max_streams, lifetime_s=None)
    asked = "the list of symbols"
    try:
        async with aiohttp.ClientSession(trust_env=True) as client, timeout_error(lambda: f"{asked} did not arrive"):
            await asyncio.wait_for(_check_symbols(plan, client), TIMEOUT_S)
            pool.add(plan.streams)
            chains = ChainSubscriber(client, plan, pool, _discard) if plan.settings.chains else None
            if chains is not None:
                asked = "the list of options"
                await asyncio.wait_for(chains.subscribe_all(), TIMEOUT_S * len(plan.settings.chains))
        async with timeout_error(lambda: _missing(pool)):
            await asyncio.wait_for(first_of(pool.run(), _all_subscribed(pool)), TIMEOUT_S)
    finally:
        await pool.stop()
    return [*map(_connection_line, pool.slots), *_chain_lines(chains), *_snapshot_lines(plan)]


@asynccontextmanager
async def timeout_error(cause: Callable[[], str]) -> AsyncIterator[None]:
    """Turn a timeout within the context into a CheckError."""
    try:
        yield
    except asyncio.TimeoutError:
        raise CheckError(f"{cause()} within {TIMEOUT_S:.0f} s") from None


async def _check_symbols(plan: ForwardPlan, client: aiohttp.ClientSession) -> None:
    if plan.protocol.snapshots is not None:
        fetcher = SnapshotFetcher(plan.endpoint.rest, plan.protocol.snapshots, plan.settings.snapshot_levels)
        await SymbolCheck(plan, fetcher).run(client)


def _missing(pool: Pool) -> str:
    waiting = [slot.url for slot in pool.slots if not all(each.session for each in slot.connections)]
    return f"no connection to {', '.join(waiting)}" if waiting else "subscriptions were not acknowledged"


def _connection_line(slot: ConnectionSlot) -> str:
    symbols = list(dict.fromkeys(stream.symbol for stream in slot.streams))
    named = ", ".join(symbols[:NAMED]) + (f" and {len(symbols) - NAMED} more" if len(symbols) > NAMED else "")
    return f"{slot.url}: {_counted(Counter(stream.channel for stream in slot.streams))}: {named}"


def _chain_lines(chains: ChainSubscriber | None) -> Iterator[str]:
    for chain, counts in chains.counts.items() if chains is not None else ():
        yield f"chain {chain}: {_counted(counts)}"


def _snapshot_lines(plan: ForwardPlan) -> Iterator[str]:
    snapshots = plan.protocol.snapshots
    if snapshots is not None:
        yield f"snapshots: {snapshots.path}, weight budget {snapshots.weight_per_minute} per minute"


def _counted(channels: Counter[str]) -> str:
    return f"{channels.total()} streams ({', '.join(f'{name} {count}' for name, count in channels.items())})"


async def _all_subscribed(pool: Pool) -> None:
    await asyncio.gather(*(each.wait_until_subscribed() for slot in pool.slots for each in slot.connections))


def _discard(envelope: Envelope) -> None:
    """Discard a frame: a check forwards nothing."""


async def _no_wait() -> None:
    """Return at once: nothing is buffered."""


def _ignore_subscribed(conn: str, streams: list[Stream]) -> None:
    """Request no snapshot."""
