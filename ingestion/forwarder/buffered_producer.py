"""Producer between the event loop and the broker: a bounded queue, a bounded disk buffer, and a producing thread.

While the broker keeps up, queue and disk are empty, and the caller of `put` passes each record to the Kafka client: a
second thread would compete with it for the interpreter's lock. Otherwise `window_bytes` wait in the client, then the
queue fills, then its older half moves to disk, and the producing thread passes them on in that order. A record bypasses
the queue only when no earlier one waits, so records stay in order. When the disk is full too, `put` raises BufferFull
and the caller closes its connection.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic, sleep
from typing import Any, Protocol

from core.errors import UserError
from ingestion.background import failure, start_thread
from ingestion.forwarder.spill import QueuedRecord, Spill, SpillFull

BATCH = 500  # records moved at a time
IDLE_S = 0.1
BLOCKED_S = 0.01
ACK_SAMPLE = 64  # one record in so many is timed until its acknowledgement, and without the queue until its handover


class BufferFull(Exception):
    """Queue and disk buffer are full; the record was not accepted."""


class Producer(Protocol):
    """Methods of `RawProducer` that BufferedProducer uses."""

    sent_bytes: int
    acknowledged_bytes: int

    def write(self, name: str, key: bytes, value: bytes) -> Any: ...
    def flush(self, timeout_s: float | None = None) -> None: ...
    def close(self) -> None: ...
    def batch_bytes(self) -> float: ...
    def knows(self, name: str) -> bool: ...
    @property
    def unacknowledged(self) -> int: ...


class Observer(Protocol):
    """Observer of latencies. Called on the threads of the caller of `put`, of the producer and of the Kafka client."""

    def on_produced(self, records: int, oldest_recv_us: int) -> None: ...
    def on_acknowledged(self, recv_us: int) -> None: ...


class BufferedProducer:
    """One Kafka client with its queue and disk buffer. Only one thread may call `put`.

    `failure` is set when the broker has rejected a record for good, and when anything else ended the producing thread;
    nothing is produced after that.
    """

    def __init__(
        self, client: Producer, spill: Spill, queue_bytes: int, window_bytes: int, observer: Observer | None = None
    ) -> None:
        self.client = client
        self.spill = spill
        self.failure: UserError | None = None
        self._observer = observer
        self._queue: SimpleQueue[QueuedRecord] = SimpleQueue()
        self._head: Sequence[QueuedRecord] = ()  # taken from the queue, neither spilled nor produced yet
        self._queue_limit = queue_bytes
        self._window = window_bytes
        self._put_bytes = 0  # written by the thread that calls `put`
        self._removed_bytes = 0  # written by the producing thread
        self._disk_full = False
        self._queued = 0  # records that took the queue; written by the thread that calls `put`
        self._produced = 0  # of these, passed to the client; written by the producing thread
        self._bypassed = 0  # records that did not take the queue; written by the thread that calls `put`
        self._stopping = False
        self._deadline = float("inf")
        self._thread: Thread | None = None

    def start(self, on_failure: Callable[[UserError], None]) -> None:
        """Start producing. `on_failure` is called on the producing thread, at most once."""

        def fail(error: UserError) -> None:
            self.failure = error
            on_failure(error)

        self._thread = start_thread("producer", self._run, fail)

    @property
    def queued_bytes(self) -> int:
        """Bytes waiting in memory, without those in the Kafka client."""
        return self._put_bytes - self._removed_bytes

    @property
    def queued_records(self) -> int:
        """Records waiting in memory and on disk, without those in the Kafka client."""
        return self._queued - self._produced

    @property
    def has_capacity(self) -> bool:
        """True while at most half of the queue is used: the condition to resume after BufferFull."""
        return self.queued_bytes <= self._queue_limit // 2

    def put(self, record: QueuedRecord) -> None:
        """Pass a record to the client, or queue it behind others, without waiting.

        An empty queue accepts a record of any size. Raises BufferFull.
        """
        if self._queued == self._produced and self._bypass(record):
            return
        size = len(record.value)
        queued = self.queued_bytes
        if queued and queued + size > self._queue_limit:
            raise BufferFull
        self._put_bytes += size
        self._queued += 1
        self._queue.put(record)

    def stop(self, timeout_s: float) -> int:
        """Produce the queued records and wait until the broker has acknowledged them.

        Blocks for at most about `timeout_s`, even while the Kafka client does. Returns the number of records not
        acknowledged in time. Do not call `put` afterwards.
        """
        self._deadline = monotonic() + timeout_s
        self._stopping = True
        if self._thread is not None:
            self._thread.join(timeout_s)
        is_blocked = self._thread is not None and self._thread.is_alive()
        try:
            self.client.flush(max(0.1, self._deadline - monotonic()))
            if not self.queued_records + self.client.unacknowledged:
                self.client.close()
        except Exception as error:
            self.failure = self.failure or failure("producer", error)
        unsent = self.queued_records + self.client.unacknowledged
        if not is_blocked:
            self.spill.close()
        return unsent

    def _bypass(self, record: QueuedRecord) -> bool:
        """Pass a record to the client while nothing waits; False if it must take the queue.

        The producing thread is idle meanwhile: only `put` gives it work. It repeats, and reports, what fails here.
        """
        client = self.client
        if self.failure is not None or not self._window_open or not client.knows(record.topic):
            return False
        try:
            future = client.write(record.topic, record.key, record.value)
        except Exception:  # noqa: BLE001 - the producing thread meets it again with this record
            return False
        self._bypassed += 1
        if self._observer is not None and self._bypassed % ACK_SAMPLE == 0:
            _report_acknowledgement(future, self._observer, record.recv_us)
            self._observer.on_produced(1, record.recv_us)
        return True

    @property
    def _window_open(self) -> bool:
        return self.client.sent_bytes - self.client.acknowledged_bytes < self._window

    def _run(self) -> None:
        while not self._done():
            self._step()

    def _done(self) -> bool:
        return self._stopping and (not self.queued_records or monotonic() > self._deadline)

    def _step(self) -> None:
        window_open = self._window_open
        must_spill = not self.has_capacity and not self._disk_full
        # While the disk buffer drains, the queue waits behind it and may fill although the broker is back.
        if must_spill and (self.spill.count or not window_open):
            self._move_to_disk()
        elif window_open:
            self._produce_next()
        else:
            sleep(BLOCKED_S)

    def _produce_next(self) -> None:
        if self.spill.count:
            self._produce(self.spill.take(BATCH))
            self._disk_full = False
            return
        records, self._head = self._head or self._take(IDLE_S), ()
        self._produce(records)
        self._count_removed(records)

    def _move_to_disk(self) -> None:
        self._head = self._head or self._take(0)
        try:
            self.spill.append(self._head)
        except SpillFull:
            self._disk_full = True
            return
        self._count_removed(self._head)
        self._head = ()

    def _count_removed(self, records: Sequence[QueuedRecord]) -> None:
        self._removed_bytes += sum(len(record.value) for record in records)

    def _produce(self, records: Sequence[QueuedRecord]) -> None:
        if not records:
            return
        write, observer = self.client.write, self._observer
        for topic, key, value, recv_us in records:
            future = write(topic, key, value)
            self._produced += 1
            if observer is not None and self._produced % ACK_SAMPLE == 0:
                _report_acknowledgement(future, observer, recv_us)
        if observer is not None:
            observer.on_produced(len(records), records[0].recv_us)

    def _take(self, timeout_s: float) -> list[QueuedRecord]:
        """Take up to a batch of records from the queue; waits up to `timeout_s` for the first one."""
        records: list[QueuedRecord] = []
        with suppress(Empty):
            records.append(self._queue.get(timeout=timeout_s) if timeout_s else self._queue.get_nowait())
            while len(records) < BATCH:
                records.append(self._queue.get_nowait())
        return records


def _report_acknowledgement(future: Any, observer: Observer, recv_us: int) -> None:
    # The client passes the callback's own arguments first, then the record's metadata.
    future.add_callback(lambda recv_us, _: observer.on_acknowledged(recv_us), recv_us)
