"""REST snapshots: fetched one after another within the venue's budget of weight, however many are due at once."""

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from time import monotonic, time_ns

import aiohttp
import msgspec
import structlog

from ingestion.forwarder.clock import now_us
from ingestion.forwarder.dialects import RestDepth
from ingestion.forwarder.pacing import Bucket

TIMEOUT_S = 15.0
ATTEMPTS = 5  # after that the job will ask again, with its own back-off
PARALLEL = 4
BURST_SHARE, STEADY_SHARE = 0.3, 0.5  # of a minute's weight: never more than 80 % of it within any minute
RETRY_S = 1.0
USED_SHARE = 0.9  # of the weight that the venue says was used by this address, whoever used it
DEFAULT_PAUSE_S = 60.0  # after 429 or 418 without Retry-After

log = structlog.get_logger("forwarder")


class VenueLimits(msgspec.Struct):
    """One of `rateLimits` in exchangeInfo."""

    rateLimitType: str
    interval: str
    limit: int
    intervalNum: int = 1


class Listed(msgspec.Struct):
    """One of `symbols` in exchangeInfo."""

    symbol: str


class ExchangeInfo(msgspec.Struct):
    """What a Binance venue says of itself, as far as it is used here."""

    symbols: list[Listed]
    rateLimits: list[VenueLimits] = []

    @property
    def weight_per_minute(self) -> int | None:
        """The budget for this address; None where the venue does not say."""
        limits = [
            each for each in self.rateLimits if (each.rateLimitType, each.interval) == ("REQUEST_WEIGHT", "MINUTE")
        ]
        return min((each.limit // each.intervalNum for each in limits), default=None)


def budget(weight_per_minute: int, now: float) -> Bucket:
    """The bucket for a venue's budget of weight a minute."""
    return Bucket(weight_per_minute * STEADY_SHARE / 60, weight_per_minute * BURST_SHARE, now)


class SnapshotDesk:
    """Takes requests by symbol, once each while one is open; delivers bodies as they come.

    `deliver(symbol, body, recv_us)` puts the body among the symbol's frames.
    """

    def __init__(
        self,
        client: aiohttp.ClientSession,
        rest_url: str,
        depth: RestDepth,
        levels: int,
        deliver: Callable[[str, bytes, int], None],
    ) -> None:
        self.fetched: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self._client = client
        self._url = rest_url.rstrip("/")
        self._depth = depth
        self._levels = levels
        self._deliver = deliver
        self._weight = depth.weight(levels)
        self._per_minute = depth.weight_per_minute
        self._bucket = budget(self._per_minute, monotonic())
        self._due: deque[tuple[str, int]] = deque()  # symbol, attempts made
        self._open: set[str] = set()
        self._wake = asyncio.Event()

    @property
    def open(self) -> frozenset[str]:
        """Symbols with a request that is not answered yet."""
        return frozenset(self._open)

    def request(self, symbol: str) -> bool:
        """Have a snapshot fetched; False when one is due already."""
        if symbol in self._open:
            return False
        self._open.add(symbol)
        self._put(symbol, 0)
        return True

    async def exchange_info(self) -> ExchangeInfo | None:
        """Symbols and budget of the venue, the latter kept to from here on. None when it cannot be had."""
        try:
            async with self._get(self._depth.info_path, {}) as response:
                info = msgspec.json.decode(await response.read(), type=ExchangeInfo)
        except (aiohttp.ClientError, asyncio.TimeoutError, msgspec.MsgspecError) as error:
            log.warning("exchange info not available", url=self._url + self._depth.info_path, error=str(error))
            return None
        if info.weight_per_minute is not None:
            self._per_minute = info.weight_per_minute
            self._bucket = budget(self._per_minute, monotonic())
        return info

    async def run(self) -> None:
        """Until cancelled."""
        slots = asyncio.Semaphore(PARALLEL)
        tasks: set[asyncio.Task[None]] = set()
        try:
            while True:
                symbol, attempts = await self._next()
                await slots.acquire()
                task = asyncio.create_task(self._serve(symbol, attempts))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
                task.add_done_callback(lambda _: slots.release())
        finally:
            for task in tasks:
                task.cancel()

    async def _next(self) -> tuple[str, int]:
        while True:
            while not self._due:
                self._wake.clear()
                await self._wake.wait()
            wait_s = self._bucket.take(self._weight, monotonic())
            if not wait_s:
                return self._due.popleft()
            await asyncio.sleep(wait_s)

    async def _serve(self, symbol: str, attempts: int) -> None:
        try:
            if await self._fetch(symbol):
                self._open.discard(symbol)
                return
        except (aiohttp.ClientError, asyncio.TimeoutError, msgspec.MsgspecError) as error:
            log.warning(
                "snapshot failed", symbol=symbol, attempt=attempts + 1, error=str(error) or type(error).__name__
            )
            await asyncio.sleep(RETRY_S * 2**attempts)
        self.failed[symbol] += 1
        if attempts + 1 < ATTEMPTS:
            self._put(symbol, attempts + 1)
        else:
            log.error("snapshot given up", symbol=symbol, attempts=ATTEMPTS)
            self._open.discard(symbol)

    def _put(self, symbol: str, attempts: int) -> None:
        self._due.append((symbol, attempts))
        self._wake.set()

    async def _fetch(self, symbol: str) -> bool:
        async with self._get(self._depth.path, {"symbol": symbol, "limit": str(self._levels)}) as response:
            body, recv_us = await response.read(), now_us()
            self._heed(response)
            if response.status in (418, 429):
                return False
            response.raise_for_status()
        msgspec.json.decode(body, type=msgspec.Raw)  # a body cut short must not get into an envelope
        self.fetched[symbol] += 1
        self._deliver(symbol, body, recv_us)
        return True

    def _get(self, path: str, query: dict[str, str]) -> "aiohttp.client._RequestContextManager":
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        return self._client.get(self._url + path, params=query, timeout=timeout)

    def _heed(self, response: aiohttp.ClientResponse) -> None:
        """Obey a refusal, and the count that the venue keeps of what this address used."""
        used = response.headers.get("X-MBX-USED-WEIGHT-1M", "")
        if response.status in (418, 429):
            told = response.headers.get("Retry-After", "")
            pause_s = float(told) if told.isdigit() else DEFAULT_PAUSE_S
            log.warning("venue refuses snapshots", status=response.status, pause_s=pause_s)
            self._bucket.close(monotonic() + pause_s)
        elif used.isdigit() and int(used) > USED_SHARE * self._per_minute:
            log.warning("weight nearly used up", used=int(used), budget=self._per_minute)
            self._bucket.close(monotonic() + 60 - time_ns() / 1e9 % 60)
