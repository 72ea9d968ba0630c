"""Whole option chains of Deribit: which options there are, from `get_instruments`, asked again as expiries come and go.

The reply is forwarded too (channel `instrument`): whoever keeps a chain learns of strikes and expiries from it.
"""

import asyncio
from collections.abc import Callable, Iterable
from random import Random
from secrets import token_hex
from time import time_ns

import aiohttp
import msgspec
import structlog

from ingestion.forwarder.clock import now_us
from ingestion.forwarder.dialects import Stream
from ingestion.forwarder.outlet import Full
from ingestion.forwarder.pacing import delays
from ingestion.forwarder.pool import Pool
from ingestion.stamping import Stamper
from market.errors import UserError
from market.records import Envelope

PATH = "/api/v2/public/get_instruments"
TIMEOUT_S = 30.0
APART_S = 1.1  # one such request a second is allowed
AFTER_EXPIRY_S = 5.0

log = structlog.get_logger("forwarder")


class ChainError(UserError):
    """There is no such chain."""


class Option(msgspec.Struct):
    """One row of `get_instruments`, as far as it is used here."""

    instrument_name: str
    expiration_timestamp: int
    price_index: str = ""

    @property
    def chain(self) -> str:
        """`BTC`, or `SOL_USDC` for a linear family."""
        return self.instrument_name.partition("-")[0]


class _Reply(msgspec.Struct):
    result: list[Option]


def query(chain: str) -> dict[str, str]:
    """What to ask for a chain: a linear family is listed under the currency it is paid in."""
    return {"currency": chain.rpartition("_")[2], "kind": "option", "expired": "false"}


def chain_streams(chain: str, options: Iterable[Option], channel: str, now_ms: int) -> dict[Stream, int]:
    """What to subscribe for a chain, each stream with the time it ends: those of unexpired options, and the index."""
    alive = [each for each in options if each.chain == chain and each.expiration_timestamp > now_ms]
    found = {Stream(channel, each.instrument_name): each.expiration_timestamp for each in alive}
    if alive:
        index = alive[0].price_index or f"{chain.lower()}_usd"
        found[Stream("index", index)] = max(each.expiration_timestamp for each in alive)
    return found


class ChainDesk:
    """Keeps the pool subscribed to chains."""

    def __init__(
        self,
        client: aiohttp.ClientSession,
        rest_url: str,
        chains: tuple[str, ...],
        channel: str,
        pool: Pool,
        forward: Callable[[Envelope], None],
    ) -> None:
        self._client = client
        self._url = rest_url.rstrip("/") + PATH
        self._chains = chains
        self._channel = channel
        self._pool = pool
        self._forward = forward
        self._stamper = Stamper("deribit", token_hex(4))
        self._streams: dict[str, dict[Stream, int]] = {}

    async def seed(self) -> None:
        """Subscribe to all chains. Raises ChainError for one that is not listed, or when the venue does not answer."""
        for chain in self._chains:
            try:
                await self._refresh(chain)
            except (aiohttp.ClientError, asyncio.TimeoutError, msgspec.MsgspecError) as error:
                raise ChainError(f"cannot list the options of {chain} at {self._url}: {error}") from error
            if not self._streams[chain]:
                raise ChainError(f"deribit lists no options of {chain}")
            await asyncio.sleep(APART_S)

    async def run(self, every_s: float) -> None:
        """Follow what is listed, until cancelled: every so often, and right after an expiry."""
        pauses = delays(1.0, every_s, Random())
        while True:
            await asyncio.sleep(self._pause(every_s))
            for chain in self._chains:
                try:
                    await self._refresh(chain)
                except (aiohttp.ClientError, asyncio.TimeoutError, msgspec.MsgspecError) as error:
                    log.warning("options not listed", chain=chain, error=str(error) or type(error).__name__)
                    await asyncio.sleep(next(pauses))
                await asyncio.sleep(APART_S)

    def _pause(self, every_s: float) -> float:
        ends = [end for streams in self._streams.values() for end in streams.values()]
        next_expiry_s = min(ends, default=0) / 1000 - time_ns() / 1e9 + AFTER_EXPIRY_S
        return min(every_s, next_expiry_s) if next_expiry_s > 0 else every_s

    async def _refresh(self, chain: str) -> None:
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        async with self._client.get(self._url, params=query(chain), timeout=timeout) as response:
            body, recv_us = await response.read(), now_us()
            response.raise_for_status()
        options = msgspec.json.decode(body, type=_Reply).result
        self._follow(chain, chain_streams(chain, options, self._channel, recv_us // 1000))
        try:
            self._forward(self._stamper.stamp("instrument", chain, recv_us, body))
        except Full:
            log.warning("no room for the list of options, which will be asked for again", chain=chain)

    def _follow(self, chain: str, wanted: dict[Stream, int]) -> None:
        before = self._streams.get(chain, {})
        new = [stream for stream in wanted if stream not in before]
        gone = [stream for stream in before if stream not in wanted]
        self._streams[chain] = wanted
        if new or gone:
            log.info("chain", chain=chain, options=len(wanted), new=len(new), gone=len(gone))
        self._pool.remove(gone)
        self._pool.add(new, found=True)
