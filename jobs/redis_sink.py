"""The operator of the cache job, the only module that connects to Redis."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pyflink.common import Row
from pyflink.common.typeinfo import Types
from pyflink.datastream import KeyedProcessFunction, RuntimeContext
from pyflink.datastream.state import ListStateDescriptor
from redis import Redis
from redis.client import Pipeline
from redis.exceptions import BusyLoadingError, ConnectionError, TimeoutError
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_exponential

from core import topics
from core.envelope import DECODE_ERRORS
from jobs import redis_scripts as scripts
from market import cache_messages
from market.options.cache_messages import TTL_S, chain_fields, newest_tick
from market.orderbook.cache_messages import (
    MAX_UNMATCHED_BYTES,
    BookRecordJoin,
    LatestBook,
    channel_names,
    trade_message,
)

WRITES = Types.ROW_NAMED(["record_key", "written"], [Types.STRING(), Types.INT()])
# Records that wait for the levels of their book, of all books of one slot together. Each book may use an equal share.
ALL_UNMATCHED_BYTES = 128 * 1024**2
UNAVAILABLE = (ConnectionError, TimeoutError, BusyLoadingError)


class CacheOperator(KeyedProcessFunction):
    """Writes each batch of one key and topic to Redis in one flush, within the call: nothing is buffered in Python.

    A batch is (topic, partition, values, offsets). While Redis is unavailable, the call and so the job wait for up to
    `patience_s`. Then the call fails and Flink restarts the job from its checkpoint. Invalid lines are skipped: the
    jobs that write those topics have their own dead letters.
    """

    def __init__(self, url: str, topic_prefix: str, default_venue: str, patience_s: float) -> None:
        self._url = url
        self._prefix = topic_prefix
        self._default_venue = default_venue
        self._patience_s = patience_s

    def open(self, runtime_context: RuntimeContext) -> None:
        self._redis = Redis.from_url(self._url, socket_timeout=5, socket_connect_timeout=2)
        self._write_newer_book = self._redis.register_script(scripts.WRITE_NEWER_BOOK)
        self._write_newer_state = self._redis.register_script(scripts.WRITE_NEWER_STATE)
        self._write_newer_record = self._redis.register_script(scripts.WRITE_NEWER_RECORD)
        self._write_newer_fields = self._redis.register_script(scripts.WRITE_NEWER_FIELDS)
        self._add_newer_alerts = self._redis.register_script(scripts.ADD_NEWER_ALERTS)
        self._newest = runtime_context.get_list_state(ListStateDescriptor("newest", Types.PICKLED_BYTE_ARRAY()))
        self._joins: dict[str, BookRecordJoin] = {}
        metrics = runtime_context.get_metrics_group()
        self._publishes, self._errors = metrics.counter("redis_publishes_total"), metrics.counter("redis_errors_total")

    def close(self) -> None:
        self._redis.close()

    def process_element(self, value: Any, ctx: KeyedProcessFunction.Context) -> Iterator[Row]:
        key = ctx.get_current_key()
        topic, _, lines, offsets = value
        name = topic.removeprefix(self._prefix)
        positioned = [(bytes(line), offset) for line, offset in zip(lines, offsets, strict=True) if line is not None]
        if name == topics.STATUS.name:
            written = self._write_states(key, list(cache_messages.state_changes(positioned)))
        else:
            written = self._write(key, name, [line for line, _ in positioned])
        if written:
            self._publishes.inc(written)
            yield Row(key, written)

    def _write(self, key: str, name: str, lines: Sequence[bytes]) -> int:
        if name == topics.TRADES.name:
            return self._write_trades(key, list(_trade_messages(lines)))
        if name in (topics.OPTION_CHAINS.name, topics.OPTION_SURFACES.name):
            return self._write_chain(lines)
        if name == topics.UNDERLYING_TICKS.name:
            return self._write_underlying(key, newest_tick(lines))
        if name == topics.ALERTS.name:
            return self._write_alerts(key, cache_messages.alerts_by_time(lines))
        return self._write_book(key, self._latest(key, name, lines))

    def _latest(self, key: str, topic: str, lines: Sequence[bytes]) -> LatestBook | None:
        """The newest book whose levels and record are both known after these lines of one topic, if it is new."""
        if key not in self._joins:
            self._joins[key] = BookRecordJoin.restore(list(self._newest.get() or ()))
        join, latest = self._joins[key], None
        limit_bytes = min(MAX_UNMATCHED_BYTES, ALL_UNMATCHED_BYTES // len(self._joins))
        for line in lines:
            try:
                if topic == topics.BOOKS.name:
                    latest = join.add_book(line) or latest
                else:
                    join.add_record(line, limit_bytes)
            except DECODE_ERRORS:
                continue
        latest = join.match() or latest
        self._newest.update(join.saved())
        return latest

    def _write_book(self, key: str, latest: LatestBook | None) -> int:
        if latest is None:
            return 0
        channels = self._channels("orderbook", key)
        keys = [f"{channel}:latest" for channel in channels]
        return self._run(lambda pipeline: self._write_newer_book(keys, [*latest, *channels], client=pipeline))

    def _write_states(self, key: str, changes: Sequence[cache_messages.StateChange]) -> int:
        channels = self._channels("status", key)

        def write(pipeline: Pipeline) -> None:
            for change in changes:
                self._write_newer_state(channels, [*change, *channels], client=pipeline)

        return self._run(write) if changes else 0

    def _write_underlying(self, key: str, newest: tuple[int, bytes] | None) -> int:
        if newest is None:
            return 0
        channels = self._channels("underlying", key)
        keys = [f"{channel}:latest" for channel in channels]
        arguments: list[int | bytes | str] = [*newest, *channels]
        return self._run(lambda pipeline: self._write_newer_record(keys, arguments, client=pipeline))

    def _write_alerts(self, key: str, alerts: Sequence[tuple[int, bytes]]) -> int:
        if not alerts:
            return 0
        channels = cache_messages.ALERTS, *self._channels("alerts", key)
        keys, size = [cache_messages.NEWEST_ALERTS], cache_messages.NEWEST_ALERTS_SIZE
        timed = (part for time, line in alerts for part in (time, line))
        arguments = [size, len(channels), *channels, *timed]
        return self._run(lambda pipeline: self._add_newer_alerts(keys, arguments, client=pipeline))

    def _write_trades(self, key: str, messages: Sequence[bytes]) -> int:
        channels = self._channels("trades", key)

        def publish(pipeline: Pipeline) -> None:
            for message in messages:
                for channel in channels:
                    pipeline.publish(channel, message)

        if messages:
            self._flush(publish)
        return len(messages)

    def _write_chain(self, lines: Sequence[bytes]) -> int:
        fields = chain_fields(lines)

        def write(pipeline: Pipeline) -> None:
            for key, by_field in fields.items():
                arguments = [part for field, (time, line) in by_field.items() for part in (field, time, line)]
                self._write_newer_fields([key], [TTL_S, *arguments], client=pipeline)

        return self._run(write) if fields else 0

    def _channels(self, kind: str, key: str) -> tuple[str, ...]:
        return channel_names(kind, key, self._default_venue)

    def _run(self, write: Callable[[Pipeline], object]) -> int:
        """Sum of the results of the scripts that `write` adds to a pipeline."""
        return sum(map(int, self._flush(write)))

    def _flush(self, write: Callable[[Pipeline], object]) -> list[Any]:
        """Results of all commands that `write` adds to a pipeline, in one round trip, repeated until it succeeds."""
        retrying = Retrying(
            retry=retry_if_exception_type(UNAVAILABLE),
            wait=wait_exponential(multiplier=0.05, max=1),
            stop=stop_after_delay(self._patience_s),
            before_sleep=lambda _: self._errors.inc(),
            reraise=True,
        )
        results: list[Any] = retrying(self._round_trip, write)
        return results

    def _round_trip(self, write: Callable[[Pipeline], object]) -> list[Any]:
        with self._redis.pipeline(transaction=False) as pipeline:
            write(pipeline)
            return list(pipeline.execute())


def _trade_messages(lines: Sequence[bytes]) -> Iterator[bytes]:
    """Messages of the valid lines."""
    for line in lines:
        try:
            yield trade_message(line)
        except DECODE_ERRORS:
            continue
