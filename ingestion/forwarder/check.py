"""`depthflow forward --check`: try every connection, subscribe, forward nothing."""

import asyncio
from collections.abc import Iterator

import aiohttp

from ingestion.forwarder.chains import ChainDesk
from ingestion.forwarder.dialects import Dialect
from ingestion.forwarder.forwarder import first_of, manner
from ingestion.forwarder.ledger import Ledger
from ingestion.forwarder.pool import Pool
from ingestion.forwarder.settings import ForwardSettings
from ingestion.forwarder.streams import dialect_of, endpoint, named_streams
from ingestion.forwarder.surroundings import Surroundings
from market.errors import UserError
from market.records import Envelope

WITHIN_S = 20.0


class CheckError(UserError):
    """Not everything could be subscribed."""


async def check(settings: ForwardSettings) -> Iterator[str]:
    """Lines that say what was subscribed where. Raises CheckError, ChainError, or FatalRefusal in the venue's words."""
    dialect = dialect_of(settings)
    base = endpoint(dialect, settings)
    streams = named_streams(dialect, settings)
    around = Surroundings(dialect, Ledger(dialect.venue), manner(settings), _ignore, _never)
    pool = Pool(around, base.ws, settings.connection_streams or dialect.limits.streams, None, lambda granted, _: None)
    pool.add(streams)
    try:
        if settings.chains:
            async with aiohttp.ClientSession(trust_env=True) as client:
                await ChainDesk(client, base.rest, settings.chains, settings.chain_channel, pool, _ignore).seed()
        await asyncio.wait_for(first_of(pool.run(), _all_subscribed(pool)), WITHIN_S)
    except asyncio.TimeoutError:
        waiting = [place.url for place in pool.places if not all(link.session for link in place.links)]
        cause = f"no connection to {', '.join(waiting)}" if waiting else "subscriptions were not acknowledged"
        raise CheckError(f"{cause} within {WITHIN_S:.0f} s") from None
    finally:
        await pool.stop()
    return _lines(pool, dialect)


def _lines(pool: Pool, dialect: Dialect) -> Iterator[str]:
    for place in pool.places:
        yield f"{place.url}: {len(place.streams)} streams"
        for stream in place.streams:
            yield f"  {stream.channel:16} {stream.symbol}"
    if dialect.depth is not None:
        yield f"snapshots: {dialect.depth.path}, {dialect.depth.weight_per_minute} of weight a minute"


async def _all_subscribed(pool: Pool) -> None:
    await asyncio.gather(*(link.subscribed() for place in pool.places for link in place.links))


def _ignore(envelope: Envelope) -> None:
    """Nothing is forwarded."""


async def _never() -> None:
    """There is always room."""
