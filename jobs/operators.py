"""Thin Flink shells around the domain: state in, domain call, state out, emit."""

from collections.abc import Iterator
from typing import Any

from pyflink.common import Row
from pyflink.common.typeinfo import Types
from pyflink.datastream import KeyedProcessFunction, RuntimeContext

from jobs.keeping import Keeping, Silence
from jobs.outputs import Said, dead_letter
from jobs.stored import StoredKeepers
from market import topics

KEY = Types.STRING()
BYTES = Types.PRIMITIVE_ARRAY(Types.BYTE())
BATCH = Types.ROW([Types.STRING(), Types.INT(), Types.OBJECT_ARRAY(BYTES), Types.OBJECT_ARRAY(Types.LONG())])
OUTPUT = Types.ROW_NAMED(["topic_name", "record_key", "payload"], [Types.STRING(), Types.STRING(), Types.STRING()])


class KeeperOperator(KeyedProcessFunction):
    """Applies each batch of a key's raw records to its keeper and says what came of it, one row per topic.

    A batch is (topic, partition, envelopes, offsets). Silence is measured in processing time, by one timer per key that
    beats three times within the silence it waits for, on a fixed grid: a timer that was restored and a new one are then
    the same. After a restart silence counts from the first beat.
    """

    def __init__(self, keeping: Keeping, cached: int, topic_prefix: str) -> None:
        self._keeping = keeping
        self._cached = cached
        self._prefix = topic_prefix

    def open(self, runtime_context: RuntimeContext) -> None:
        self._keepers = StoredKeepers(runtime_context, self._keeping, self._cached)
        self._heard: dict[str, tuple[int, int]] = {}  # by key: when it was last, and how many silences were answered

    def process_element(self, value: Any, ctx: KeyedProcessFunction.Context) -> Iterator[Row]:
        key = ctx.get_current_key()
        topic, partition, envelopes, offsets = value
        self._listen(key, ctx)
        keeper, at_once = self._keepers.load(key), self._keeping.at_once
        for first in range(0, len(envelopes), at_once):
            batch = keeper.apply_all(envelopes[first : first + at_once])
            self._keepers.save(keeper)
            places = ((reject, first + reject.index) for reject in batch.rejects)
            dead = [dead_letter(reject, topic, partition, offsets[at], envelopes[at]) for reject, at in places]
            yield from self._rows(key, (*self._keeping.lines(batch), (topics.DEAD_LETTERS, dead)))

    def on_timer(self, timestamp: int, ctx: KeyedProcessFunction.OnTimerContext) -> Iterator[Row]:
        key, silences = ctx.get_current_key(), self._keeping.silences
        last, answered = self._heard.pop(key, (timestamp, 0))
        while answered < len(silences) and timestamp - last >= silences[answered].after_ms:
            yield from self._rows(key, self._answer(key, silences[answered], timestamp))
            answered += 1
        if answered < len(silences):
            self._heard[key] = last, answered
            self._beat(timestamp, silences[answered], ctx)

    def _answer(self, key: str, silence: Silence, now: int) -> Said:
        keeper = self._keepers.load(key)
        said = silence.say(keeper, now)
        self._keepers.save(keeper)
        if silence.forget:
            self._keepers.forget(key)
        return said

    def _rows(self, key: str, said: Said) -> Iterator[Row]:
        return (Row(self._prefix + topic.name, key, b"\n".join(lines).decode()) for topic, lines in said if lines)

    def _listen(self, key: str, ctx: KeyedProcessFunction.Context) -> None:
        now = ctx.timer_service().current_processing_time()
        _, answered = self._heard.get(key, (now, None))
        if answered != 0:
            self._beat(now, self._keeping.silences[0], ctx)
        self._heard[key] = now, 0

    def _beat(self, now: int, silence: Silence, ctx: KeyedProcessFunction.Context) -> None:
        beat_ms = max(silence.after_ms // 3, 1)
        ctx.timer_service().register_processing_time_timer((now // beat_ms + 1) * beat_ms)
