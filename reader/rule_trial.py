"""Alerts that other thresholds would have raised: ticks through two engines a book, one of each kind."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from core import topics
from core.records import Alert
from core.settings import Settings
from ingestion.recordings import read_recordings
from market.alerts.engine import AlertEngine
from market.alerts.rule_table import RuleTable
from market.orderbook.book_config import BookConfig
from reader.topic_admin import open_consumer, read_since
from venues.registry import open_builder
from venues.routing import route

Tick = tuple[str, bytes]  # key (`venue:symbol`) and record
Counts = Counter[tuple[str, str, str]]  # by rule, book and phase

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Alert).decode


@dataclass(frozen=True)
class Trial:
    """Alerts of one rule on one book: number of episodes and of those that became high, at present and as changed."""

    rule: str
    book: str
    enter: int
    high: int
    enter_changed: int
    high_changed: int


def try_thresholds(ticks: Iterable[Tick], present: RuleTable, changed: RuleTable, silence_ms: int) -> list[Trial]:
    """Alerts of every rule and book for which either table raises any. Ticks are in the order of their key.

    `silence_ms`: that of the alerts job.
    """
    counts: tuple[Counts, Counts] = (Counter(), Counter())
    engines: dict[str, tuple[AlertEngine, AlertEngine]] = {}
    for key, value in ticks:
        if key not in engines:
            engines[key] = AlertEngine(key, present, silence_ms), AlertEngine(key, changed, silence_ms)
        for engine, found in zip(engines[key], counts, strict=True):
            for _, line in engine.apply_all(topics.TICKS.name, [value]).alerts:
                _count(_decode(line), key, found)
    rows = sorted({(rule, book) for found in counts for rule, book, _ in found})
    return [
        Trial(rule, book, *(found[rule, book, phase] for found in counts for phase in ("enter", "high")))
        for rule, book in rows
    ]


def recorded_ticks(files: Iterable[Path], settings: Settings) -> Iterator[Tick]:
    """Ticks of recordings, rebuilt as the books job makes them. Raises RecordingError for files that are none."""
    config = BookConfig(
        depth=settings.calculate_depth, levels=settings.depth_levels, stale_after_s=settings.stale_after_s
    )
    builders = {}
    for envelope in read_recordings(*files):
        topic, key = route(envelope.venue, envelope.channel, envelope.symbol)
        if topic == topics.RAW_OPTIONS.name:
            continue
        if key not in builders:
            builders[key] = open_builder(key, config)
        batch = builders[key].apply_all([_encode(envelope)])
        yield from ((key, line) for line in (*batch.ticks, *batch.trade_ticks))


def topic_ticks(settings: Settings) -> Iterator[Tick]:
    """Committed ticks of the topic up to its present end. Raises TopicsError without a broker."""
    with open_consumer(settings, isolation_level="read_committed") as consumer:
        for record in read_since(consumer, settings.topic_prefix + topics.TICKS.name, None):
            yield record.key.decode(errors="replace"), record.value


def _count(alert: Alert, key: str, found: Counts) -> None:
    if alert.phase == "enter":
        found[alert.rule, key, "enter"] += 1
    if alert.severity == "high" and alert.phase != "exit":
        found[alert.rule, key, "high"] += 1
