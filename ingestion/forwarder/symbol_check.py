"""Check of the configured symbols against the venue's list.

Venues with REST snapshots acknowledge a subscription to any name; only their symbol list shows an error.
"""

import asyncio
from random import Random

import aiohttp

from ingestion.forwarder.plan import ForwardPlan
from ingestion.forwarder.rate_limit import backoff
from ingestion.forwarder.snapshots import SnapshotFetcher
from ingestion.forwarder.subscriptions import FatalRefusal

RETRY_S, MAX_RETRY_S = 1.0, 60.0


class SymbolCheck:
    """Compares the plan's symbols with the venue's list, which also gives the fetcher its weight budget."""

    def __init__(self, plan: ForwardPlan, fetcher: SnapshotFetcher) -> None:
        self._venue = plan.protocol.venue
        self._symbols = plan.settings.symbols
        self._fetcher = fetcher

    async def attempt(self, client: aiohttp.ClientSession) -> bool:
        """Check once. Returns False if the list is not available. Raises FatalRefusal for an unknown symbol."""
        info = await self._fetcher.exchange_info(client)
        if info is None:
            return False
        unknown = [symbol for symbol in self._symbols if symbol not in info.symbols]
        if info.symbols and unknown:
            raise FatalRefusal(f"{self._venue} does not list {', '.join(unknown)}")
        return True

    async def run(self, client: aiohttp.ClientSession) -> None:
        """Check until the list was available, with back-off and not before the time that the venue names."""
        delays = backoff(RETRY_S, MAX_RETRY_S, Random())
        for delay_s in delays:
            if await self.attempt(client):
                return
            await asyncio.sleep(max(delay_s, self._fetcher.pause_s))
