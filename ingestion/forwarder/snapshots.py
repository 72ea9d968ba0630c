"""REST snapshots: fetched within the venue's weight budget, however many are requested at once."""

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from time import monotonic, time_ns

import aiohttp
import msgspec
import structlog

from ingestion.background import first_of
from ingestion.forwarder.clock import now_us
from ingestion.forwarder.close_reasons import error_text, retry_after_s
from ingestion.forwarder.rate_limit import TokenBucket
from venues.protocol import RestSnapshots, VenueInfo

TIMEOUT_S = 15.0
ATTEMPTS = 5  # after that the books job repeats its request, with its own back-off
PARALLEL = 4
BURST_SHARE, STEADY_SHARE = 0.3, 0.5  # shares of a minute's weight: at most 80 % within any minute
RETRY_S = 1.0
USED_SHARE = 0.9  # share of the weight that the venue reports as used by all clients of this address
DEFAULT_PAUSE_S = 60.0  # after a refusal without Retry-After
HTTP_ERROR = 400
REFUSED = (403, 418, 429)  # the weight budget is used up, or a firewall finds the client too fast

OnSnapshot = Callable[[str, bytes, int], None]  # symbol, body, receive time in epoch µs

log = structlog.get_logger("forwarder")


def weight_budget(weight_per_minute: int, now: float) -> TokenBucket:
    """Token bucket of a venue's weight budget per minute."""
    return TokenBucket(weight_per_minute * STEADY_SHARE / 60, weight_per_minute * BURST_SHARE, now)


class SnapshotFetcher:
    """Fetches snapshots by symbol, at most one at a time for each symbol. `fetched` and `failed` count attempts."""

    def __init__(self, rest_url: str, snapshots: RestSnapshots, levels: int) -> None:
        self.fetched: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self._url = rest_url.rstrip("/")
        self._snapshots = snapshots
        self._levels = levels
        self._weight = snapshots.weight(levels)
        self._per_minute = snapshots.weight_per_minute
        self._bucket = weight_budget(self._per_minute, monotonic())
        self._queue: deque[tuple[str, int]] = deque()  # symbol, attempts made
        self._pending: set[str] = set()
        self._wake = asyncio.Event()

    @property
    def pending(self) -> frozenset[str]:
        """Symbols whose snapshot is requested and not fetched yet."""
        return frozenset(self._pending)

    def request(self, symbol: str) -> bool:
        """Request a snapshot. Returns False if one is pending already."""
        if symbol in self._pending:
            return False
        self._pending.add(symbol)
        self._enqueue(symbol, 0)
        return True

    async def exchange_info(self, client: aiohttp.ClientSession) -> VenueInfo | None:
        """Symbols and weight budget of the venue; None if unavailable. The budget applies to all later requests."""
        url = self._url + self._snapshots.info_path
        try:
            async with client.get(url, timeout=aiohttp.ClientTimeout(total=TIMEOUT_S)) as response:
                body = await response.read()
                self._apply_limits(response)
                response.raise_for_status()
            info = self._snapshots.parse_info(body)
        except (aiohttp.ClientError, asyncio.TimeoutError, msgspec.MsgspecError, UnicodeError) as error:
            log.warning("exchange info not available", url=url, error=error_text(error))
            return None
        if info.weight_per_minute is not None:
            self._per_minute = info.weight_per_minute
            self._bucket = weight_budget(self._per_minute, monotonic())
        return info

    @property
    def pause_s(self) -> float:
        """Seconds until the venue accepts a further request; 0 if it has refused none."""
        return max(0.0, self._bucket.closed_until - monotonic())

    async def run(self, client: aiohttp.ClientSession, on_snapshot: OnSnapshot) -> None:
        """Fetch requested snapshots until cancelled; `on_snapshot` receives each one. Raises what an attempt raises."""
        tasks: set[asyncio.Task[None]] = set()
        crashed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        parallel = asyncio.Semaphore(PARALLEL)

        def on_end(task: asyncio.Task[None]) -> None:
            tasks.discard(task)
            parallel.release()
            error = None if task.cancelled() else task.exception()
            if error is not None and not crashed.done():
                crashed.set_exception(error)

        async def attempt_all() -> None:
            while True:
                symbol, attempts = await self._next()
                await parallel.acquire()
                task = asyncio.create_task(self._attempt(client, on_snapshot, symbol, attempts))
                tasks.add(task)
                task.add_done_callback(on_end)

        try:
            await first_of(attempt_all(), crashed)
        finally:
            for task in tasks:
                task.cancel()

    async def _next(self) -> tuple[str, int]:
        while True:
            while not self._queue:
                self._wake.clear()
                await self._wake.wait()
            wait_s = self._bucket.take(self._weight, monotonic())
            if not wait_s:
                return self._queue.popleft()
            await asyncio.sleep(wait_s)

    async def _attempt(
        self, client: aiohttp.ClientSession, on_snapshot: OnSnapshot, symbol: str, attempts: int
    ) -> None:
        try:
            if await self._fetch(client, on_snapshot, symbol):
                self._pending.discard(symbol)
                return
        except (aiohttp.ClientError, asyncio.TimeoutError, msgspec.MsgspecError, UnicodeError) as error:
            log.warning("snapshot failed", symbol=symbol, attempt=attempts + 1, error=error_text(error))
            await asyncio.sleep(RETRY_S * 2**attempts)
        self.failed[symbol] += 1
        if attempts + 1 < ATTEMPTS:
            self._enqueue(symbol, attempts + 1)
        else:
            log.error("snapshot abandoned", symbol=symbol, attempts=ATTEMPTS)
            self._pending.discard(symbol)

    def _enqueue(self, symbol: str, attempts: int) -> None:
        self._queue.append((symbol, attempts))
        self._wake.set()

    async def _fetch(self, client: aiohttp.ClientSession, on_snapshot: OnSnapshot, symbol: str) -> bool:
        """Fetch one snapshot. Returns False if the venue refused the request."""
        url, query = self._url + self._snapshots.path, {"symbol": symbol, "limit": str(self._levels)}
        async with client.get(url, params=query, timeout=aiohttp.ClientTimeout(total=TIMEOUT_S)) as response:
            body, recv_us = await response.read(), now_us()
            self._apply_limits(response)
            if response.status in REFUSED:
                return False
            response.raise_for_status()
        msgspec.json.decode(body, type=msgspec.Raw)  # an envelope must not contain a truncated body
        self.fetched[symbol] += 1
        on_snapshot(symbol, body, recv_us)
        return True

    def _apply_limits(self, response: aiohttp.ClientResponse) -> None:
        """Pause after a refusal, or when the reported weight of this address is nearly used up."""
        used = response.headers.get(self._snapshots.used_weight_header, "")
        named_s = retry_after_s(response.headers) if response.status >= HTTP_ERROR else 0.0
        if named_s or response.status in REFUSED:
            pause_s = named_s or DEFAULT_PAUSE_S
            log.warning("venue refuses snapshots", status=response.status, pause_s=pause_s)
            self._bucket.close(monotonic() + pause_s)
        elif used.isascii() and used.isdigit() and int(used) > USED_SHARE * self._per_minute:
            log.warning("weight nearly used up", used=int(used), budget=self._per_minute)
            self._bucket.close(monotonic() + 60 - time_ns() / 1e9 % 60)
