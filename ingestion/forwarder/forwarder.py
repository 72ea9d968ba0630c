"""Forwarder of one venue: constructs its parts, routes envelopes to producers and stops cleanly."""

import asyncio
from collections.abc import Awaitable
from contextlib import AsyncExitStack
from functools import partial
from time import monotonic
from zlib import crc32

import aiohttp
import msgspec
import structlog

from core.errors import UserError
from core.records import Envelope
from ingestion.background import Background, call_on_loop, first_of, in_thread
from ingestion.forwarder.buffered_producer import BufferedProducer
from ingestion.forwarder.chains import ChainSubscriber
from ingestion.forwarder.context import ForwarderContext
from ingestion.forwarder.plan import ForwardPlan
from ingestion.forwarder.pool import Pool
from ingestion.forwarder.recovery import BookRecovery
from ingestion.forwarder.resync import ResyncSource
from ingestion.forwarder.snapshots import SnapshotFetcher
from ingestion.forwarder.spill import QueuedRecord
from ingestion.forwarder.stats import ForwarderStats
from ingestion.forwarder.symbol_check import SymbolCheck
from venues.protocol import Stream
from venues.routing import route

CAPACITY_POLL_S = 0.05
CLOSE_S = 6.0  # longest time in which connections unsubscribe and close, at a stop

log = structlog.get_logger("forwarder")


class UndeliveredError(UserError):
    """The broker did not acknowledge all frames before the stop timeout."""


class Forwarder:
    """One venue's forwarder. Construct it inside the event loop that calls `run`; `run` may be called once."""

    def __init__(self, plan: ForwardPlan, producers: list[BufferedProducer], resyncs: ResyncSource) -> None:
        self.plan = plan
        self.producers = producers
        self.stats = ForwarderStats(plan.protocol.venue)
        self.resyncs = resyncs
        self.background = Background()
        self.chains: ChainSubscriber | None = None
        self._encode = msgspec.json.Encoder().encode
        context = ForwarderContext(
            plan.protocol, self.stats, plan.policy, self.forward, self._wait_for_capacity, self._on_subscribed
        )
        self.pool = Pool(context, plan.endpoint.ws, plan.max_streams, plan.lifetime_s)
        levels, snapshots = plan.settings.snapshot_levels, plan.protocol.snapshots
        self.fetcher = SnapshotFetcher(plan.endpoint.rest, snapshots, levels) if snapshots else None
        self.recovery = BookRecovery(context, self.pool, self.fetcher)

    def forward(self, envelope: Envelope) -> None:
        """Queue one envelope at the producer of its key. Raises BufferFull."""
        topic, key_text = route(envelope.venue, envelope.channel, envelope.symbol)
        key = key_text.encode()
        producers = self.producers
        producer = producers[0] if len(producers) == 1 else producers[crc32(key) % len(producers)]
        producer.put(QueuedRecord(topic, key, self._encode(envelope), envelope.recv_us))

    async def run(self, stop: asyncio.Event) -> None:
        """Forward until `stop` is set, then unsubscribe, drain the queues and flush, all within `drain_s`.

        Raises the first failure of any connection, thread or task, after the same shutdown: FatalRefusal,
        DeliveryError, ChainError, BackgroundError; or UndeliveredError.
        """
        drain_s = self.plan.settings.drain_s
        for producer in self.producers:
            producer.start(self.background.fail)
        stack = AsyncExitStack()
        try:
            await first_of(stop.wait(), self._start_and_run(stack), self.background.wait())
        finally:
            deadline = monotonic() + drain_s
            try:
                await stack.aclose()
            finally:
                unsent = await self._drain(deadline)
        if self.background.failure is not None:
            raise self.background.failure
        if unsent:
            raise UndeliveredError(f"the broker did not acknowledge the last {unsent} frames within {drain_s:g} s")

    async def _drain(self, deadline: float) -> int:
        """Stop all producers side by side. Returns the number of frames that the broker did not acknowledge."""
        timeout_s = max(0.1, deadline - monotonic())
        stops = (in_thread("drain", partial(producer.stop, timeout_s)) for producer in self.producers)
        unsent = sum(await asyncio.gather(*stops))
        if unsent:
            log.error("frames not acknowledged", frames=unsent, drain_s=self.plan.settings.drain_s)
        return unsent

    async def _start_and_run(self, stack: AsyncExitStack) -> None:
        await self._start(stack)
        await self.pool.run()

    async def _start(self, stack: AsyncExitStack) -> None:
        client = await stack.enter_async_context(aiohttp.ClientSession(trust_env=True))
        run = partial(run_in_background, stack, self.background)
        if self.fetcher is not None:
            check = SymbolCheck(self.plan, self.fetcher)
            if not await check.attempt(client):
                run("check of the symbols", check.run(client), may_end=True)
            run("fetcher of snapshots", self.fetcher.run(client, self.recovery.forward_snapshot))
        handler = self.background.guarded("handler of resync requests", self.recovery.handle_request)
        self.resyncs.start(partial(call_on_loop, asyncio.get_running_loop(), handler), self.background.fail)
        stack.push_async_callback(in_thread, "stop of the reader", self.resyncs.stop)
        stack.push_async_callback(self._close_pool)
        self.pool.add(self.plan.streams)
        settings = self.plan.settings
        if settings.chains:
            self.chains = ChainSubscriber(client, self.plan, self.pool, self.forward)
            run("subscriber of chains", self.chains.run(settings.chain_refresh_s))

    async def _close_pool(self) -> None:
        """Unsubscribe and close the connections; those that do not close in time are abandoned."""
        closing = asyncio.ensure_future(self.pool.stop())
        _, pending = await asyncio.wait([closing], timeout=CLOSE_S)
        if pending:
            log.warning("connections not closed in time", timeout_s=CLOSE_S)
            closing.cancel()
            self.pool.cancel()

    @property
    def failures(self) -> list[str]:
        """Failures that /health reports: those that end the process, and those that are being retried."""
        found = [self.background.failure, *(producer.failure for producer in self.producers)]
        texts = [str(error) for error in found if error is not None]
        return list(dict.fromkeys([*texts, *filter(None, [self.resyncs.failure])]))

    def _on_subscribed(self, conn: str, streams: list[Stream]) -> None:
        self.recovery.on_subscribed(conn, streams)

    async def _wait_for_capacity(self) -> None:
        while True:
            for producer in self.producers:
                if producer.failure is not None:
                    raise producer.failure
            if all(producer.has_capacity for producer in self.producers):
                return
            await asyncio.sleep(CAPACITY_POLL_S)


def run_in_background(
    stack: AsyncExitStack, background: Background, name: str, work: Awaitable[None], may_end: bool = False
) -> None:
    """Run `work` as a task that is cancelled when the stack closes; what it raises is a failure of the forwarder."""
    task = background.run(name, work, may_end)

    async def cancel() -> None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    stack.push_async_callback(cancel)
