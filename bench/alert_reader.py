"""Reads alerts, ticks and windows from Kafka on a thread of its own, and notes when they arrive."""

import time
from threading import Event, Thread
from types import TracebackType

import msgspec
from confluent_kafka import Consumer, TopicPartition

from bench.alert_latency import Latencies
from core.records import Alert
from core.settings import Settings
from core.topics import ALERTS, TICKS, WINDOWS

POLL_S = 0.05
WINDOWS_CASE = "windows of 1 s"


class WindowEnd(msgspec.Struct):
    """Fields of a window that its latency needs."""

    venue: str
    size: str
    window_end: int


class TickEnd(msgspec.Struct):
    """Fields of a tick that the latency of its alerts needs."""

    kind: str
    venue: str
    symbol: str
    end: int


class AlertReader:
    """Reads records that are published from its start on. Latencies of windows are those of one `venue`.

    `found`: number of alerts of planted conditions so far. `measures_windows`: from when it is set.
    """

    def __init__(self, settings: Settings, isolation: str, latencies: Latencies, venue: str) -> None:
        self.found = 0
        self.measures_windows = False
        self._alerts, self._windows, self._ticks = (
            settings.topic_prefix + topic.name for topic in (ALERTS, WINDOWS, TICKS)
        )
        self._options = {
            "bootstrap.servers": settings.kafka_bootstrap_servers,
            "isolation.level": isolation,
            "group.id": f"{settings.topic_prefix}reader",
            "enable.auto.commit": False,
        }
        self._latencies = latencies
        self._venue = venue
        self._ended = Event()
        self._thread = Thread(target=self._read, name="alerts", daemon=True)
        self._decode_alert = msgspec.json.Decoder(Alert).decode
        self._decode_window = msgspec.json.Decoder(WindowEnd).decode
        self._decode_tick = msgspec.json.Decoder(TickEnd).decode

    def __enter__(self) -> "AlertReader":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ended.set()
        self._thread.join()

    def _read(self) -> None:
        consumer = Consumer(self._options)
        topics = consumer.list_topics(timeout=10).topics
        names = (self._alerts, self._windows, self._ticks)
        consumer.assign([TopicPartition(name, number, 0) for name in names for number in topics[name].partitions])
        while not self._ended.is_set():
            message = consumer.poll(POLL_S)
            if message is None or message.error():
                continue
            now_ms, value = time.time() * 1000, message.value() or b""
            if message.topic() == self._alerts:
                self.found += self._latencies.arrive(self._decode_alert(value), now_ms)
            elif message.topic() == self._ticks:
                tick = self._decode_tick(value)
                self._latencies.note_tick(f"{tick.venue}:{tick.symbol}", tick.kind, tick.end, now_ms)
            elif self.measures_windows:
                window = self._decode_window(value)
                if (window.venue, window.size) == (self._venue, "1s"):
                    self._latencies.measure(WINDOWS_CASE, now_ms - window.window_end)
        consumer.close()
