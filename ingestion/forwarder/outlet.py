"""From the event loop to the broker: a bounded queue, a bounded disk buffer behind it, and a thread that produces.

Order is kept because there is one way: queue, disk, the client's own batches. While the broker keeps up, the disk is
empty and passed by. When it does not, `window` bytes wait in the client, then the queue fills, then its older half goes
to disk; when the disk is full too, `offer` says so and the caller drops its connection.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic, sleep
from typing import Any, Protocol

from ingestion.forwarder.spill import Record, Spill, SpillFull
from market.errors import UserError

BATCH = 500  # records moved at a time
IDLE_S = 0.1
BLOCKED_S = 0.01
SAMPLE = 64  # one record in so many has its way to the acknowledgement timed


class Full(Exception):
    """Queue and disk are full: the record was not taken."""


class Producer(Protocol):
    """What an outlet asks of `RawProducer`."""

    sent_bytes: int
    acknowledged_bytes: int

    def write(self, name: str, key: bytes, value: bytes) -> Any: ...
    def flush(self, timeout_s: float | None = None) -> None: ...
    def close(self) -> None: ...
    def batch_bytes(self) -> float: ...
    @property
    def unacknowledged(self) -> int: ...


class Observer(Protocol):
    """Who wants to know how the outlet fares. Called on the outlet's and the client's threads."""

    def handed_over(self, records: int, oldest_recv_us: int) -> None: ...
    def acknowledged(self, recv_us: int) -> None: ...


class Outlet:
    """One producer with its queue and disk. `offer` belongs to one thread; the rest runs on the outlet's own.

    `failure` is set when the broker refused a record for good; nothing is produced after that.
    """

    def __init__(
        self, producer: Producer, spill: Spill, queue_bytes: int, window_bytes: int, observer: Observer | None = None
    ) -> None:
        self.producer = producer
        self.spill = spill
        self.failure: UserError | None = None
        self.on_failure: Callable[[], None] = lambda: None  # called on the outlet's thread
        self._observer = observer
        self._queue: SimpleQueue[Record] = SimpleQueue()
        self._head: Sequence[Record] = ()  # taken from the queue, older than what is in it, and without a place yet
        self._limit = queue_bytes
        self._window = window_bytes
        self._put_bytes = 0  # written by the offering thread alone
        self._gone_bytes = 0  # written by the outlet's thread alone
        self._disk_full = False
        self._produced = 0
        self._stopping = False
        self._give_up_at = float("inf")
        self._thread = Thread(target=self._run, name="outlet", daemon=True)

    def start(self) -> None:
        """Begin to produce."""
        self._thread.start()

    @property
    def queued_bytes(self) -> int:
        """Bytes that wait in memory, the client's own not counted."""
        return self._put_bytes - self._gone_bytes

    @property
    def depth(self) -> int:
        """Records that wait in memory and on disk, the client's own not counted."""
        return self._queue.qsize() + len(self._head) + self.spill.count

    @property
    def roomy(self) -> bool:
        """Whether there is room to speak of after Full."""
        return self.queued_bytes <= self._limit // 2

    def offer(self, record: Record) -> None:
        """Take a record, or raise Full. Never waits. A record larger than the whole queue is taken by an empty one."""
        size = len(record.value)
        queued = self.queued_bytes
        if queued and queued + size > self._limit:
            raise Full
        self._put_bytes += size
        self._queue.put(record)

    def stop(self, within_s: float) -> int:
        """Send what is left and wait until the broker took it. Returns how many records it did not take in time.

        Blocks; no `offer` may follow.
        """
        self._give_up_at = monotonic() + within_s
        self._stopping = True
        self._thread.join()
        left = self.depth
        try:
            self.producer.flush(max(0.1, self._give_up_at - monotonic()))
        except UserError as error:
            self.failure = self.failure or error
        left += self.producer.unacknowledged
        if not left:
            self.producer.close()
        self.spill.close()
        return left

    def _run(self) -> None:
        try:
            while not self._done():
                self._step()
        except UserError as error:
            self.failure = error
            self.on_failure()

    def _done(self) -> bool:
        return self._stopping and (not self.depth or monotonic() > self._give_up_at)

    def _step(self) -> None:
        open_window = self.producer.sent_bytes - self.producer.acknowledged_bytes < self._window
        crowded = self.queued_bytes > self._limit // 2 and not self._disk_full
        # While the disk drains the queue must wait behind it, and may fill up although the broker is back.
        if crowded and (self.spill.count or not open_window):
            self._to_disk()
        elif open_window:
            self._produce_next()
        else:
            sleep(BLOCKED_S)

    def _produce_next(self) -> None:
        if self.spill.count:
            self._produce(self.spill.take(BATCH))
            self._disk_full = False
            return
        records = self._head or self._take(IDLE_S)
        self._produce(records)
        self._head = ()
        self._left(records)

    def _to_disk(self) -> None:
        self._head = self._head or self._take(0)
        try:
            self.spill.append(self._head)
        except SpillFull:
            self._disk_full = True
            return
        self._left(self._head)
        self._head = ()

    def _left(self, records: Sequence[Record]) -> None:
        self._gone_bytes += sum(len(record.value) for record in records)

    def _produce(self, records: Sequence[Record]) -> None:
        if not records:
            return
        write, observer = self.producer.write, self._observer
        for topic, key, value, recv_us in records:
            future = write(topic, key, value)
            self._produced += 1
            if observer is not None and self._produced % SAMPLE == 0:
                # The client calls back with what it is told first, then the record's metadata.
                future.add_callback(lambda recv_us, _: observer.acknowledged(recv_us), recv_us)
        if observer is not None:
            observer.handed_over(len(records), records[0].recv_us)

    def _take(self, wait_s: float) -> list[Record]:
        taken: list[Record] = []
        with suppress(Empty):
            taken.append(self._queue.get(timeout=wait_s) if wait_s else self._queue.get_nowait())
            while len(taken) < BATCH:
                taken.append(self._queue.get_nowait())
        return taken
