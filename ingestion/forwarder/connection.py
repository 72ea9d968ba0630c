"""One session on one socket: receives frames, forwards envelopes and sends requests at the venue's rate."""

import asyncio
from collections import Counter
from time import monotonic

from websockets.asyncio.client import ClientConnection

from ingestion.forwarder.buffered_producer import BufferFull
from ingestion.forwarder.clock import now_us
from ingestion.forwarder.close_reasons import close_reason
from ingestion.forwarder.context import ForwarderContext
from ingestion.forwarder.rate_limit import message_budget
from ingestion.forwarder.session import Session
from ingestion.forwarder.subscriptions import SessionEnd

TICK_S = 0.25
CLOSE_TIMEOUT_S = 2.0


class Connection:
    """Runs a session on a socket until one of them ends.

    `dropped` counts frames that were not forwarded because the buffer was full, by symbol. Set `wake` after the
    session has queued something to send. `subscribed` is set once all streams are active; setting `stopping` makes
    `run` unsubscribe and return.
    """

    def __init__(
        self, session: Session, context: ForwarderContext, subscribed: asyncio.Event, stopping: asyncio.Event
    ) -> None:
        self.session = session
        self.dropped: Counter[str] = Counter()
        self.wake = asyncio.Event()
        self._context = context
        self._subscribed = subscribed
        self._stopping = stopping

    async def run(self, socket: ClientConnection) -> str:
        """Run until the session or the socket ends; returns the reason. Closes the socket. Raises FatalRefusal."""
        work = (self._receive(socket), self._send(socket), self._tick(), self._unsubscribe_on_stop(socket))
        tasks = [asyncio.ensure_future(each) for each in work]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return close_reason(next(iter(done)), self._context.protocol.fatal_close_codes)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await socket.close()

    async def _receive(self, socket: ClientConnection) -> None:
        receive, on_message, forward = socket.recv, self.session.on_message, self._context.forward
        while True:
            frame = await receive(decode=False)
            envelope = on_message(frame, now_us(), monotonic())
            if envelope is None:
                self._after_reply()
                continue
            try:
                forward(envelope)
            except BufferFull:
                self.dropped[envelope.symbol] += 1
                self._context.stats.dropped[envelope.symbol] += 1
                raise SessionEnd("queue and disk buffer are full") from None

    def _after_reply(self) -> None:
        """Wake the sender and signal completed subscriptions: a reply may have caused either."""
        if self.session.outbox:
            self.wake.set()
        if self.session.subscriptions.complete:
            self._subscribed.set()

    async def _send(self, socket: ClientConnection) -> None:
        session, budget = self.session, message_budget(self._context.protocol.limits, monotonic())
        while True:
            while session.outbox:
                wait_s = budget.take(1, monotonic())
                if wait_s:
                    await asyncio.sleep(wait_s)
                    continue
                number, text = session.outbox.popleft()
                await socket.send(text)
                session.subscriptions.mark_sent(number, monotonic())
            self.wake.clear()
            await self.wake.wait()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            self.session.tick(monotonic(), self._context.policy.timeouts)
            if self.session.outbox:
                self.wake.set()

    async def _unsubscribe_on_stop(self, socket: ClientConnection) -> None:
        await self._stopping.wait()
        for text in self.session.subscriptions.unsubscribe_requests():
            await asyncio.wait_for(socket.send(text), CLOSE_TIMEOUT_S)
