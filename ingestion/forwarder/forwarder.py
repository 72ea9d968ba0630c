"""The wiring: links to outlets, requests to cures, stop signals to a clean end."""

import asyncio
from collections.abc import Awaitable
from contextlib import AsyncExitStack, suppress
from functools import partial
from zlib import crc32

import aiohttp
import msgspec

from ingestion.forwarder.chains import ChainDesk
from ingestion.forwarder.cure import Cure
from ingestion.forwarder.ledger import Ledger
from ingestion.forwarder.outlet import Outlet
from ingestion.forwarder.pool import Pool
from ingestion.forwarder.resync import Listener
from ingestion.forwarder.session import Patience
from ingestion.forwarder.settings import MEGABYTE, ForwardSettings
from ingestion.forwarder.snapshots import SnapshotDesk
from ingestion.forwarder.spill import Record
from ingestion.forwarder.streams import dialect_of, endpoint, named_streams
from ingestion.forwarder.subscriptions import FatalRefusal
from ingestion.forwarder.surroundings import Manner, Surroundings
from ingestion.routing import route
from market.errors import UserError
from market.records import Envelope, Resync

ROOM_S = 0.05


class UndeliveredError(UserError):
    """Stopped with frames that the broker did not take in time."""


class Forwarder:
    """One venue's forwarder. `run` is its whole life; to be made inside the event loop that runs it."""

    def __init__(self, settings: ForwardSettings, outlets: list[Outlet], requests: Listener) -> None:
        self.settings = settings
        self._listener = requests
        self.dialect = dialect_of(settings)
        self.endpoint = endpoint(self.dialect, settings)
        self.ledger = Ledger(self.dialect.venue)
        self.outlets = outlets
        self._streams = named_streams(self.dialect, settings)
        self._encode = msgspec.json.Encoder().encode
        around = Surroundings(self.dialect, self.ledger, manner(settings), self.forward, self._room)
        self.cure = Cure(around)
        limits = self.dialect.limits
        most = min(settings.connection_streams or limits.streams, limits.streams)
        lifetime_s = settings.lifetime_s or limits.lifetime_s
        self.pool = self.cure.pool = Pool(around, self.endpoint.ws, most, lifetime_s, self.cure.granted)

    def forward(self, envelope: Envelope) -> None:
        """Hand one envelope to its outlet. Raises Full."""
        topic, key_text = route(envelope.venue, envelope.channel, envelope.symbol)
        key = key_text.encode()
        outlets = self.outlets
        outlet = outlets[0] if len(outlets) == 1 else outlets[crc32(key) % len(outlets)]
        outlet.offer(Record(topic, key, self._encode(envelope), envelope.recv_us))

    async def run(self, stop: asyncio.Event) -> None:
        """Forward until `stop` is set, then unsubscribe, drain and flush.

        Raises FatalRefusal, DeliveryError or UndeliveredError, each after the same end.
        """
        loop = asyncio.get_running_loop()
        broken: asyncio.Future[None] = loop.create_future()
        for outlet in self.outlets:
            outlet.on_failure = partial(_report, loop, broken, outlet)
            outlet.start()
        try:
            async with AsyncExitStack() as stack:
                await self._start(stack)
                await first_of(stop.wait(), self.pool.run(), broken)
        finally:
            left = sum([await asyncio.to_thread(outlet.stop, self.settings.drain_s) for outlet in self.outlets])
        if left:
            raise UndeliveredError(f"the broker did not take the last {left} frames within {self.settings.drain_s:g} s")

    async def _start(self, stack: AsyncExitStack) -> None:
        client = await stack.enter_async_context(aiohttp.ClientSession(trust_env=True))
        if self.dialect.depth is not None:
            levels = self.settings.snapshot_levels
            desk = SnapshotDesk(client, self.endpoint.rest, self.dialect.depth, levels, self.cure.deliver)
            await self._check_symbols(desk)
            self.cure.desk = desk
            background(stack, desk.run())
        self._listener.start(partial(_tell, asyncio.get_running_loop(), self.cure))
        stack.push_async_callback(asyncio.to_thread, self._listener.stop)
        stack.push_async_callback(self.pool.stop)
        self.pool.add(self._streams)
        if self.settings.chains:
            chains, channel = self.settings.chains, self.settings.chain_channel
            desk_of_chains = ChainDesk(client, self.endpoint.rest, chains, channel, self.pool, self.forward)
            await desk_of_chains.seed()
            background(stack, desk_of_chains.run(self.settings.chain_refresh_s))

    async def _check_symbols(self, desk: SnapshotDesk) -> None:
        """Binance grants a subscription to anything, so an unknown symbol must be found out here."""
        info = await desk.exchange_info()
        listed = {each.symbol for each in info.symbols} if info else set()
        unknown = [symbol for symbol in self.settings.symbols if symbol not in listed]
        if listed and unknown:
            raise FatalRefusal(f"{self.dialect.venue} does not list {', '.join(unknown)}")

    async def _room(self) -> None:
        while True:
            for outlet in self.outlets:
                if outlet.failure is not None:
                    raise outlet.failure
            if all(outlet.roomy for outlet in self.outlets):
                return
            await asyncio.sleep(ROOM_S)


def manner(settings: ForwardSettings) -> Manner:
    """How links are to behave."""
    dialect = dialect_of(settings)
    patience = Patience(settings.silence_s or dialect.limits.silence_s, settings.data_silence_s)
    return Manner(
        patience,
        first_delay_s=settings.reconnect_first_s,
        most_delay_s=settings.reconnect_most_s,
        max_frame_bytes=int(settings.frame_mb * MEGABYTE),
        compression=settings.ws_compression,
    )


async def first_of(*waits: Awaitable[object]) -> None:
    """Wait for the first to end, cancel the others. Raises what it raised."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def background(stack: AsyncExitStack, work: Awaitable[None]) -> None:
    """Run `work` until the stack is left."""
    task = asyncio.ensure_future(work)

    async def end() -> None:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    stack.push_async_callback(end)


def _tell(loop: asyncio.AbstractEventLoop, cure: Cure, request: Resync, told_ms: int) -> None:
    with suppress(RuntimeError):  # a request may come while the loop closes
        loop.call_soon_threadsafe(cure.act, request, told_ms)


def _report(loop: asyncio.AbstractEventLoop, broken: "asyncio.Future[None]", outlet: Outlet) -> None:
    """On the outlet's thread."""

    def tell() -> None:
        if not broken.done() and outlet.failure is not None:
            broken.set_exception(outlet.failure)

    with suppress(RuntimeError):
        loop.call_soon_threadsafe(tell)
