"""Thin Flink shells around the domain: read state, call the domain, write state, emit."""

from collections.abc import Callable, Iterator
from time import perf_counter
from typing import Any

from pyflink.common import Row
from pyflink.common.typeinfo import Types
from pyflink.datastream import KeyedProcessFunction, RuntimeContext

from core import topics
from jobs.builder_specs import Builder, BuilderSpec, IdleTimeout, Polling
from jobs.key_timing import KeyTiming, TimerPace
from jobs.keyed_state import StateBackedBuilders
from jobs.operator_metrics import BatchSummary, OperatorMetrics
from jobs.output_lines import OutputLines, dead_letter
from market.orderbook.quiet_clock import QuietClocks

KEY = Types.STRING()
BYTES = Types.PRIMITIVE_ARRAY(Types.BYTE())
BATCH = Types.ROW([Types.STRING(), Types.INT(), Types.OBJECT_ARRAY(BYTES), Types.OBJECT_ARRAY(Types.LONG())])
OUTPUT = Types.ROW_NAMED(
    ["topic_name", "record_key", "lines"], [Types.STRING(), Types.STRING(), Types.OBJECT_ARRAY(BYTES)]
)


class BuilderOperator(KeyedProcessFunction):
    """Applies each batch of a key's raw records to the key's builder and emits the output, one row per topic.

    A batch is (topic, partition, envelopes, offsets). A key has at most one timer, in processing time. While its
    builder waits for ticks to be published, it fires once or twice a second, on a grid of the key; less often while
    timers take more than half of the operator's time (`clock`, in seconds). The next idle timeout is exact: a timer
    fires when it ends. After a restart, idle time counts from the first timer that fires. It begins anew with a record
    that made progress, as the specification of the builder says: records without any effect do not keep a book alive.
    """

    def __init__(
        self, spec: BuilderSpec, cache_bytes: int, topic_prefix: str, clock: Callable[[], float] = perf_counter
    ) -> None:
        self._spec = spec
        self._cache_bytes = cache_bytes
        self._prefix = topic_prefix
        self._clock = clock

    def open(self, runtime_context: RuntimeContext) -> None:
        self._builders = StateBackedBuilders(runtime_context, self._spec, self._cache_bytes)
        self._metrics = OperatorMetrics(runtime_context.get_metrics_group())
        self._timing: dict[str, KeyTiming] = {}
        self._pace = TimerPace(self._clock())

    def process_element(self, value: Any, ctx: KeyedProcessFunction.Context) -> Iterator[Row]:
        key = ctx.get_current_key()
        topic, partition, envelopes, offsets = value
        builder, max_batch = self._builders.load(key), self._spec.max_batch
        progress = self._spec.progress(builder)
        for first in range(0, len(envelopes), max_batch):
            batch = builder.apply_all(envelopes[first : first + max_batch])
            self._builders.save(builder)
            rejects = ((reject, first + reject.index) for reject in batch.rejects)
            letters = [dead_letter(reject, topic, partition, offsets[at], envelopes[at]) for reject, at in rejects]
            output = (*self._spec.lines(batch), (topics.DEAD_LETTERS, letters))
            self._metrics.count(BatchSummary(key, batch.counts.frames, output, builder.state), _now(ctx))
            yield from self._rows(key, output)
        moved = progress is None or self._spec.progress(builder) != progress
        now = _now(ctx)
        timing = self._note_batch(key, builder, moved, now)
        if self._spec.polling and timing.needs_timer:
            yield from self._rows(key, self._poll_batch(builder, timing, self._spec.polling, now))
        self._register_timer(key, timing, now, ctx)

    def on_timer(self, timestamp: int, ctx: KeyedProcessFunction.OnTimerContext) -> Iterator[Row]:
        began = self._clock()
        yield from self._on_timer(timestamp, ctx)
        self._pace.add(began, self._clock())

    def _on_timer(self, timestamp: int, ctx: KeyedProcessFunction.OnTimerContext) -> Iterator[Row]:
        key, timeouts = ctx.get_current_key(), self._spec.idle_timeouts
        now = max(timestamp, _now(ctx))
        timing = self._timing.pop(key, None) or KeyTiming(timestamp, now, clocks=QuietClocks.restored())
        if timing.timer <= timestamp:  # else a restored timer, before the one that was registered since
            timing.timer = 0
        if self._spec.polling and timing.needs_timer:
            yield from self._rows(key, self._poll(key, timing, self._spec.polling, timestamp))
        while timing.passed < len(timeouts) and timestamp - timing.last >= timeouts[timing.passed].after_ms:
            yield from self._rows(key, self._on_idle(key, timing, timeouts[timing.passed], timestamp))
            timing.passed += 1
        self._register_timer(key, timing, now, ctx)

    def _poll(self, key: str, timing: KeyTiming, polling: Polling, now: int) -> OutputLines:
        builder = self._builders.load(key)
        timing.needs_timer = polling.needs_timer(builder)
        if not timing.needs_timer:
            return ()
        output = polling.poll(builder, now, timing.clocks)
        timing.busy_polls = timing.busy_polls + 1 if timing.clocks.had_records else 0
        self._builders.save(builder)
        timing.needs_timer = polling.needs_timer(builder)
        timing.due = now + polling.due_in_ms(builder, timing.clocks)
        return output

    def _poll_batch(self, builder: Builder, timing: KeyTiming, polling: Polling, now: int) -> OutputLines:
        output = polling.poll_batch(builder, now, timing.clocks)
        if output:
            self._builders.save(builder)
            timing.needs_timer = polling.needs_timer(builder)
        return output

    def _on_idle(self, key: str, timing: KeyTiming, timeout: IdleTimeout, now: int) -> OutputLines:
        builder = self._builders.load(key)
        output = tuple(timeout.on_idle(builder, now))
        self._builders.save(builder)
        self._metrics.count(BatchSummary(key, 0, output, builder.state), now)
        timing.needs_timer = self._needs_timer(builder)
        if timeout.forget:
            self._builders.delete(key)
            self._metrics.forget(key)
        return output

    def _needs_timer(self, builder: Builder) -> bool:
        return self._spec.polling is not None and self._spec.polling.needs_timer(builder)

    def _rows(self, key: str, output: OutputLines) -> Iterator[Row]:
        return (Row(self._prefix + topic.name, key, list(lines)) for topic, lines in output if lines)

    def _note_batch(self, key: str, builder: Builder, moved: bool, now: int) -> KeyTiming:
        """Times of a key after a batch; `moved`: idle time begins anew."""
        timing = self._timing.get(key)
        if timing is None:
            timing = self._timing[key] = KeyTiming(last=now)
        if moved:
            timing.last, timing.passed = now, 0
        timing.needs_timer, timing.due = self._needs_timer(builder), 0
        return timing

    def _register_timer(self, key: str, timing: KeyTiming, now: int, ctx: KeyedProcessFunction.Context) -> None:
        """Register the key's next timer, unless an earlier one is pending."""
        polling, timeouts, times = self._spec.polling, self._spec.idle_timeouts, list[int]()
        if polling and timing.needs_timer:
            times.append(timing.next_poll(key, now, polling.every_ms, self._pace.stretch))
        if timing.passed < len(timeouts):
            times.append(max(timing.last + timeouts[timing.passed].after_ms, now + 1))
        if not times:
            return
        self._timing[key] = timing
        time = min(times)
        if timing.timer and timing.timer <= time:
            return
        if timing.timer:
            ctx.timer_service().delete_processing_time_timer(timing.timer)
        timing.timer = time
        ctx.timer_service().register_processing_time_timer(time)


def _now(ctx: KeyedProcessFunction.Context) -> int:
    """Processing time, epoch ms."""
    return int(ctx.timer_service().current_processing_time())
