"""One session on one socket: frames in, envelopes out, requests at the venue's pace, until one of the two ends."""

import asyncio
from collections import Counter
from collections.abc import Callable
from time import monotonic

from websockets.asyncio.client import ClientConnection

from ingestion.forwarder.clock import now_us
from ingestion.forwarder.dialects import Stream
from ingestion.forwarder.endings import reason_of
from ingestion.forwarder.outlet import Full
from ingestion.forwarder.pacing import Bucket
from ingestion.forwarder.session import Session
from ingestion.forwarder.subscriptions import SessionEnd
from ingestion.forwarder.surroundings import Surroundings

TICK_S = 0.25
FAREWELL_S = 2.0


class Conversation:
    """`lost`: frames let go, by symbol. `wake` is set when the session has something to send.

    `granted` is told of streams that are newly live, `subscribed` is set when all are, `stopping` ends the talk.
    """

    def __init__(
        self,
        session: Session,
        around: Surroundings,
        granted: Callable[[list[Stream]], None],
        subscribed: asyncio.Event,
        stopping: asyncio.Event,
    ) -> None:
        self.session = session
        self.lost: Counter[str] = Counter()
        self.wake = asyncio.Event()
        self._around = around
        self._granted = granted
        self._subscribed = subscribed
        self._stopping = stopping

    async def run(self, socket: ClientConnection) -> str:
        """Until it ends; returns why. The socket is closed then. Raises FatalRefusal."""
        work = (self._read(socket), self._send(socket), self._tick(), self._leave(socket))
        tasks = [asyncio.ensure_future(each) for each in work]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return reason_of(next(iter(done)), self._around.dialect.final_closes)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await socket.close()

    async def _read(self, socket: ClientConnection) -> None:
        receive, hear, forward = socket.recv, self.session.hear, self._around.forward
        while True:
            frame = await receive(decode=False)
            envelope = hear(frame, now_us(), monotonic())
            if envelope is None:
                self._attend()
                continue
            try:
                forward(envelope)
            except Full:
                self.lost[envelope.symbol] += 1
                self._around.ledger.dropped[envelope.symbol] += 1
                raise SessionEnd("queue and disk buffer are full") from None

    def _attend(self) -> None:
        """After a message that was for us: there may be something to send, or new streams to tell of."""
        session = self.session
        if session.outbox:
            self.wake.set()
        if session.streams.granted:
            granted, session.streams.granted = session.streams.granted, []
            self._granted(granted)
        if session.streams.complete:
            self._subscribed.set()

    async def _send(self, socket: ClientConnection) -> None:
        session, rate = self.session, self._around.dialect.limits.messages_per_s
        bucket = Bucket(rate, max(1.0, rate), monotonic())
        while True:
            while session.outbox:
                wait_s = bucket.take(1, monotonic())
                if wait_s:
                    await asyncio.sleep(wait_s)
                    continue
                number, text = session.outbox.popleft()
                await socket.send(text)
                session.streams.sent(number, monotonic())
            self.wake.clear()
            await self.wake.wait()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            self.session.tick(monotonic(), self._around.manner.patience)
            if self.session.outbox:
                self.wake.set()

    async def _leave(self, socket: ClientConnection) -> None:
        await self._stopping.wait()
        for text in self.session.streams.farewell():
            await asyncio.wait_for(socket.send(text), FAREWELL_S)
