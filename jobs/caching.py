"""The operator of the cache job, and the only place that speaks to Redis."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
from pyflink.common import Row
from pyflink.common.typeinfo import Types
from pyflink.datastream import KeyedProcessFunction, RuntimeContext
from pyflink.datastream.state import ListStateDescriptor
from redis import Redis
from redis.client import Pipeline
from redis.exceptions import BusyLoadingError, ConnectionError, TimeoutError
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_exponential

from market import topics
from market.cached import Latest, Pairing, names, trade_message
from market.options.cached import LIFE_S, Fields, chain_fields

CACHED = Types.ROW_NAMED(["record_key", "published"], [Types.STRING(), Types.INT()])
AWAY = (ConnectionError, TimeoutError, BusyLoadingError)

# KEYS: where the newest book is kept; ARGV: update id, event time, record, message, then a channel for each key.
# What is there is older by either number (ids may begin anew, times may repeat), or it stays. Answers whether it went.
NEWER_ONLY = """
local kept = redis.call('GET', KEYS[1])
if kept then
  local old = cjson.decode(kept)
  if tonumber(ARGV[1]) <= old.update_id and tonumber(ARGV[2]) <= old.event_time then return 0 end
end
for i, key in ipairs(KEYS) do
  redis.call('SET', key, ARGV[3])
  redis.call('PUBLISH', ARGV[4 + i], ARGV[4])
end
return 1
"""

# KEYS: one expiry's hash; ARGV: its life in seconds, then field, event time and record of each line. A newer field
# stays; one of the same time is replaced, as a second that is said again replaces the first. Answers how many went.
NEWEST_FIELDS = """
local went = 0
for i = 2, #ARGV, 3 do
  local kept = redis.call('HGET', KEYS[1], ARGV[i])
  local time = kept and tonumber(string.match(kept, '"event_time":(%d+)'))
  if not time or tonumber(ARGV[i + 1]) >= time then
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 2])
    went = went + 1
  end
end
if went > 0 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return went
"""


class CacheOperator(KeyedProcessFunction):
    """Takes each batch of one key and topic to Redis in one flush, within the call: nothing waits in Python memory.

    A batch is (topic, partition, values, offsets). While Redis is away the call waits, and the job with it, for
    `patience_s`; then it fails, and Flink restarts it from its checkpoint. A line that is no record of its topic is
    left out: the jobs that write those topics have their own dead letters.
    """

    def __init__(self, url: str, topic_prefix: str, default_venue: str, patience_s: float) -> None:
        self._url = url
        self._prefix = topic_prefix
        self._default_venue = default_venue
        self._patience_s = patience_s

    def open(self, runtime_context: RuntimeContext) -> None:
        self._redis = Redis.from_url(self._url, socket_timeout=5, socket_connect_timeout=2)
        self._newer_only = self._redis.register_script(NEWER_ONLY)
        self._newest_fields = self._redis.register_script(NEWEST_FIELDS)
        self._newest = runtime_context.get_list_state(ListStateDescriptor("newest", Types.PICKLED_BYTE_ARRAY()))
        self._pairings: dict[str, Pairing] = {}
        metrics = runtime_context.get_metrics_group()
        self._publishes, self._errors = metrics.counter("redis_publishes_total"), metrics.counter("redis_errors_total")

    def close(self) -> None:
        self._redis.close()

    def process_element(self, value: Any, ctx: KeyedProcessFunction.Context) -> Iterator[Row]:
        key = ctx.get_current_key()
        topic, _, lines, _ = value
        lines = [bytes(line) for line in lines if line is not None]
        name = topic.removeprefix(self._prefix)
        if name == topics.TRADES.name:
            published = self._say_trades(key, list(_readable(lines)))
        elif name in (topics.OPTION_CHAINS.name, topics.OPTION_SURFACES.name):
            published = self._say_chain(chain_fields(lines))
        else:
            published = self._say_book(key, self._latest(key, name, lines))
        if published:
            self._publishes.inc(published)
            yield Row(key, published)

    def _latest(self, key: str, topic: str, lines: Sequence[bytes]) -> Latest | None:
        """The newest pair that these lines of one topic complete."""
        if key not in self._pairings:
            self._pairings[key] = Pairing.restore(list(self._newest.get() or ()))
        pairing, found = self._pairings[key], None
        for line in lines:
            try:
                if topic == topics.BOOKS.name:
                    found = pairing.add_book(line) or found
                else:
                    pairing.add_record(line)
            except msgspec.DecodeError:
                continue
        found = pairing.pair() or found
        self._newest.update(pairing.newest())
        return found

    def _say_book(self, key: str, latest: Latest | None) -> int:
        if latest is None:
            return 0
        channels = names("orderbook", key, self._default_venue)
        keys = [f"{channel}:latest" for channel in channels]
        return int(self._flush(lambda pipeline: self._newer_only(keys, [*latest, *channels], client=pipeline))[0])

    def _say_trades(self, key: str, messages: Sequence[bytes]) -> int:
        channels = names("trades", key, self._default_venue)

        def publish(pipeline: Pipeline) -> None:
            for message in messages:
                for channel in channels:
                    pipeline.publish(channel, message)

        if messages:
            self._flush(publish)
        return len(messages)

    def _say_chain(self, fields: Fields) -> int:
        def write(pipeline: Pipeline) -> None:
            for key, lines in fields.items():
                said = [part for field, (time, line) in lines.items() for part in (field, time, line)]
                self._newest_fields([key], [LIFE_S, *said], client=pipeline)

        return sum(map(int, self._flush(write))) if fields else 0

    def _flush(self, write: Callable[[Pipeline], object]) -> list[Any]:
        """Say all of it in one round trip, however often that takes; what Redis answers."""
        waiting = Retrying(
            retry=retry_if_exception_type(AWAY),
            wait=wait_exponential(multiplier=0.05, max=1),
            stop=stop_after_delay(self._patience_s),
            before_sleep=lambda _: self._errors.inc(),
            reraise=True,
        )
        answers: list[Any] = waiting(self._round_trip, write)
        return answers

    def _round_trip(self, write: Callable[[Pipeline], object]) -> list[Any]:
        with self._redis.pipeline(transaction=False) as pipeline:
            write(pipeline)
            return list(pipeline.execute())


def _readable(lines: Sequence[bytes]) -> Iterator[bytes]:
    for line in lines:
        try:
            yield trade_message(line)
        except msgspec.DecodeError:
            continue
