"""Subscriptions to whole option chains: the venue's list of options, requested again as expiries come and go.

The reply is forwarded too: the options job reads strikes and expiries from it.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Generator
from random import Random
from secrets import token_hex
from time import time_ns

import aiohttp
import msgspec
import structlog

from core.errors import UserError
from core.records import Envelope
from ingestion.forwarder.buffered_producer import BufferFull
from ingestion.forwarder.clock import now_us
from ingestion.forwarder.close_reasons import error_text, is_fatal_status, retry_after_of
from ingestion.forwarder.plan import ForwardPlan
from ingestion.forwarder.pool import Pool
from ingestion.forwarder.rate_limit import backoff
from venues.protocol import Stream
from venues.stamping import Stamper

TIMEOUT_S = 30.0
AFTER_EXPIRY_S = 5.0
RETRY_S, MAX_RETRY_S = 1.0, 60.0
# A refusal, an outage, or a reply that is not the venue's list (the page of a proxy).
TRANSIENT = (aiohttp.ClientError, asyncio.TimeoutError, msgspec.MsgspecError, UnicodeError)

log = structlog.get_logger("forwarder")


class ChainError(UserError):
    """A chain does not exist or cannot be listed."""


class ChainSubscriber:
    """Keeps the pool subscribed to the options of the plan's chains. `failures` counts failed requests, by chain."""

    def __init__(
        self, client: aiohttp.ClientSession, plan: ForwardPlan, pool: Pool, forward: Callable[[Envelope], None]
    ) -> None:
        """Raises ChainError if the venue has no option chains."""
        protocol, settings = plan.protocol, plan.settings
        if protocol.chain_listing is None:
            raise ChainError(f"{protocol.venue} has no option chains")
        self._client = client
        self._venue = protocol.venue
        self._listing = protocol.chain_listing
        self._url = plan.endpoint.rest.rstrip("/") + self._listing.path
        self._chains = settings.chains
        self._channel = settings.chain_channel
        self._pool = pool
        self._forward = forward
        self.failures: Counter[str] = Counter()
        self._stamper = Stamper(protocol.venue, token_hex(4))
        self._streams: dict[str, dict[Stream, int]] = {}  # by chain: streams and the time each ends, epoch ms

    @property
    def counts(self) -> dict[str, Counter[str]]:
        """Number of streams by channel, of each chain."""
        return {chain: Counter(stream.channel for stream in streams) for chain, streams in self._streams.items()}

    async def subscribe_all(self) -> None:
        """Subscribe to all chains, each repeated with back-off while the venue cannot list it.

        Raises ChainError if the venue lists no options of a chain, or refuses the request for good.
        """
        for chain in self._chains:
            await self._first_refresh(chain)
            if not self._streams[chain]:
                raise ChainError(f"{self._venue} lists no options of {chain}")
            await asyncio.sleep(self._listing.spacing_s)

    async def run(self, interval_s: float) -> None:
        """Subscribe to all chains, then update them every `interval_s` and right after each expiry, until cancelled.

        Raises ChainError.
        """
        await self.subscribe_all()
        delays = self._backoff(interval_s)
        while True:
            await asyncio.sleep(self._delay_s(interval_s))
            for chain in self._chains:
                try:
                    await self._refresh(chain)
                    delays = self._backoff(interval_s)
                except TRANSIENT as error:
                    await self._wait(chain, error, next(delays))
                await asyncio.sleep(self._listing.spacing_s)

    async def _first_refresh(self, chain: str) -> None:
        delays = self._backoff(MAX_RETRY_S)
        while True:
            try:
                return await self._refresh(chain)
            except TRANSIENT as error:
                if isinstance(error, aiohttp.ClientResponseError) and is_fatal_status(error.status):
                    raise ChainError(f"cannot list the options of {chain} at {self._url}: {error}") from error
                await self._wait(chain, error, next(delays))

    async def _wait(self, chain: str, error: Exception, delay_s: float) -> None:
        self.failures[chain] += 1
        log.warning("cannot list options", chain=chain, error=error_text(error))
        await asyncio.sleep(max(delay_s, retry_after_of(error)))

    def _backoff(self, max_s: float) -> Generator[float, None, None]:
        return backoff(RETRY_S, max_s, Random())

    def _delay_s(self, interval_s: float) -> float:
        ends = [end for streams in self._streams.values() for end in streams.values()]
        next_expiry_s = min(ends, default=0) / 1000 - time_ns() / 1e9 + AFTER_EXPIRY_S
        return min(interval_s, next_expiry_s) if next_expiry_s > 0 else interval_s

    async def _refresh(self, chain: str) -> None:
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        async with self._client.get(self._url, params=self._listing.query(chain), timeout=timeout) as response:
            body, recv_us = await response.read(), now_us()
            response.raise_for_status()
        self._subscribe(chain, self._listing.streams(body, chain, self._channel, recv_us // 1000))
        try:
            self._forward(self._stamper.stamp(self._listing.channel, chain, recv_us, body))
        except BufferFull:
            log.warning("list of options discarded, buffer full; it is requested again", chain=chain)

    def _subscribe(self, chain: str, listed: dict[Stream, int]) -> None:
        """Subscribe streams that are new in the list and unsubscribe those that are missing from it."""
        previous = self._streams.get(chain, {})
        added = [stream for stream in listed if stream not in previous]
        removed = [stream for stream in previous if stream not in listed]
        self._streams[chain] = listed
        if added or removed:
            log.info("chain updated", chain=chain, streams=len(listed), added=len(added), removed=len(removed))
        self._pool.remove(removed)
        self._pool.add(added, optional=True)
