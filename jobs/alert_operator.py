"""The operator of the alerts: one engine per key in keyed state, thresholds by broadcast."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pyflink.common import Row
from pyflink.common.typeinfo import Types
from pyflink.datastream import KeyedBroadcastProcessFunction, RuntimeContext
from pyflink.datastream.state import MapStateDescriptor

from core import topics
from core.topics import DAY_MS
from jobs.followed_rules import FollowedRules
from jobs.keyed_state import StateBackedBuilders
from jobs.operator_metrics import IN_SYNC, BatchSummary, OperatorMetrics
from jobs.operators import BYTES
from jobs.output_lines import dead_letter
from jobs.rule_topic import RuleRecords
from market.alerts.engine import AlertEngine
from market.alerts.rules import Rule

FORGET_AFTER_MS = 7 * DAY_MS
RULE_RECORD = Types.ROW([Types.STRING(), BYTES, Types.INT(), Types.LONG()])  # key, value, partition, offset
RULE_CHANGES = MapStateDescriptor("rule-changes", Types.STRING(), Types.PICKLED_BYTE_ARRAY())
CHANGES = "changes"  # the only key of the broadcast state


@dataclass(frozen=True)
class AlertSpec:
    """Rules with their defaults, the records of `alert.rules` at submission, and the longest silence of an expiry."""

    rules: dict[str, Rule]
    records: RuleRecords
    silence_ms: int


@dataclass(frozen=True)
class Engines:
    """Name and opener of the engines in keyed state."""

    open: Callable[[str, Iterable[bytes]], AlertEngine]
    name: str = "alert"


class AlertOperator(KeyedBroadcastProcessFunction):
    """Applies each batch of a key's records to the key's engine, and emits its alerts, one row each.

    A batch is (topic, partition, values, offsets). A key without a record for a week is forgotten. Its timer lies on
    a grid of days, so that a restored timer and a new one coincide; after a restart the week begins anew.
    """

    def __init__(self, spec: AlertSpec, cache_bytes: int, topic_prefix: str) -> None:
        self._spec = spec
        self._cache_bytes = cache_bytes
        self._prefix = topic_prefix

    def open(self, runtime_context: RuntimeContext) -> None:
        self._rules = FollowedRules(self._spec.rules, self._spec.records)
        self._restored = False
        table, silence_ms = self._rules.table, self._spec.silence_ms
        engines = Engines(lambda key, entries: AlertEngine.restore(key, table, silence_ms, entries))
        self._engines = StateBackedBuilders(runtime_context, engines, self._cache_bytes)
        self._metrics = OperatorMetrics(runtime_context.get_metrics_group())
        self._arrived: dict[str, int] = {}  # by key: time of the last record

    def process_element(self, value: Any, ctx: KeyedBroadcastProcessFunction.ReadOnlyContext) -> Iterator[Row]:
        self._restore_rules(ctx)
        key = ctx.get_current_key()
        topic, partition, values, offsets = value
        now = self._note_arrival(key, ctx)
        engine = self._engines.load(key)
        batch = engine.apply_all(topic.removeprefix(self._prefix), values)
        self._engines.save(engine)
        for alert_key, line in batch.alerts:
            yield self._row(topics.ALERTS, alert_key, line)
        places = [(reject, reject.index) for reject in batch.rejects]
        letters = [dead_letter(reject, topic, partition, offsets[at], values[at]) for reject, at in places]
        self._metrics.count(BatchSummary(key, len(values), [(topics.DEAD_LETTERS, letters)], IN_SYNC), now)
        for letter in letters:
            yield self._row(topics.DEAD_LETTERS, key, letter)

    def process_broadcast_element(self, value: Any, ctx: KeyedBroadcastProcessFunction.Context) -> Iterator[Row]:
        self._restore_rules(ctx)
        key, thresholds, partition, offset = value
        changes = self._rules.follow(key or "", None if thresholds is None else bytes(thresholds), partition, offset)
        if changes is not None:
            ctx.get_broadcast_state(RULE_CHANGES).put(CHANGES, changes)
        return iter(())

    def on_timer(self, timestamp: int, ctx: KeyedBroadcastProcessFunction.OnTimerContext) -> Iterator[Row]:
        key = ctx.get_current_key()
        if timestamp - self._arrived.setdefault(key, timestamp) < FORGET_AFTER_MS:
            self._register_timer(timestamp, ctx)
        else:
            del self._arrived[key]
            self._engines.delete(key)
            self._metrics.forget(key)
        return iter(())

    def _restore_rules(self, ctx: Any) -> None:
        if not self._restored:
            self._rules.restore(ctx.get_broadcast_state(RULE_CHANGES).get(CHANGES))
            self._restored = True

    def _note_arrival(self, key: str, ctx: KeyedBroadcastProcessFunction.ReadOnlyContext) -> int:
        now: int = ctx.timer_service().current_processing_time()
        if key not in self._arrived:
            self._register_timer(now, ctx)
        self._arrived[key] = now
        return now

    def _register_timer(self, now: int, ctx: Any) -> None:
        ctx.timer_service().register_processing_time_timer((now // DAY_MS + 1) * DAY_MS)

    def _row(self, topic: topics.Topic, key: str, line: bytes) -> Row:
        return Row(self._prefix + topic.name, key, [line])
