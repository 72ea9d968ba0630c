"""Metrics of a recorder, read from it when Prometheus scrapes."""

from collections.abc import Iterator
from time import time

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from ingestion.archive.recorder import Recorder

SILENT_S = 120  # /ready requires a record that is not older


class RecorderMetrics:
    """Collector of one recorder's counters."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def collect(self) -> Iterator[Metric]:
        """All metric families."""
        records = CounterMetricFamily("recorder_records", "Records written", labels=["venue", "topic"])
        for (venue, topic), count in sorted(dict(self._recorder.archive.written).items()):
            records.add_metric([venue, topic], count)
        yield records
        yield GaugeMetricFamily(
            "recorder_gaps", "Ranges of offsets that the broker had deleted", len(self._recorder.gaps)
        )
        newest = GaugeMetricFamily(
            "recorder_newest_record_timestamp_seconds", "Time of the newest record, epoch seconds"
        )
        newest.add_metric([], self._recorder.newest_ms / 1000)
        yield newest

    def unhealthy(self) -> list[str]:
        """Reasons why the recorder does not work."""
        return [] if self._recorder.running else ["the recorder does not read"]

    def not_ready(self) -> list[str]:
        """Reasons why the recorder is not up to date."""
        age_s = time() - self._recorder.newest_ms / 1000
        silent = [f"no record of the last {SILENT_S} s"] if age_s > SILENT_S else []
        return self.unhealthy() + silent
