"""Processes with /metrics and /ready: forwarders, gateways, notify, recorders, rings."""

import asyncio
import time
from collections.abc import Callable, Iterable

import msgspec
from msgspec import Struct

from core.envelope import DECODE_ERRORS
from gateway.pipeline.documents import ProcessRow
from gateway.pipeline.fetching import Fetcher, Unavailable
from gateway.pipeline.samples import Rates, Samples, quantile
from gateway.pipeline.targets import Target

MAX_TARGETS = 64
# Counter of what a process reads or sends, by its kind.
WORK = {
    "forwarder": "messages_processed_total",
    "gateway": "gateway_messages_sent_total",
    "notify": "notify_alerts_total",
    "recorder": "recorder_records_total",
    "ring": "ring_records_total",
}
# Histogram of a kind's latency, and its unit in milliseconds.
LATENCY = {
    "forwarder": ("processing_latency_microseconds", 0.001),
    "gateway": ("gateway_request_seconds", 1000.0),
    "notify": ("notify_delay_seconds", 1000.0),
}


class _Ready(Struct):
    """Answer of /ready, of any process."""

    ready: bool | None = None
    status: str = ""
    reasons: list[str] = []


class Processes:
    """Reads the metrics of targets. `clock`: monotonic seconds."""

    def __init__(self, fetch: Fetcher, clock: Callable[[], float] = time.monotonic) -> None:
        self._fetch, self._clock, self._rates = fetch, clock, Rates()

    async def rows(self, targets: Iterable[Target], now_ms: int) -> list[ProcessRow]:
        """One row for each target, at most MAX_TARGETS."""
        unique = list({each.address: each for each in targets}.values())[:MAX_TARGETS]
        return list(await asyncio.gather(*(self._row(each, now_ms) for each in unique)))

    async def _row(self, target: Target, now_ms: int) -> ProcessRow:
        address = f"http://{target.address}"
        try:
            text, reasons = await asyncio.gather(self._fetch.body(f"{address}/metrics"), self._reasons(address))
            samples = await asyncio.to_thread(Samples, text.decode())
        except Unavailable as error:
            return ProcessRow(target.kind, target.address, target.venue, False, [str(error)])
        except ValueError:
            return ProcessRow(target.kind, target.address, target.venue, False, ["its metrics cannot be read"])
        return self.row(target, samples, reasons, now_ms)

    def row(self, target: Target, samples: Samples, reasons: list[str], now_ms: int) -> ProcessRow:
        """The row of one scrape."""
        now_s, venues = self._clock(), sorted({labels["venue"] for labels, _ in samples.of("websocket_connected")})
        row = ProcessRow(target.kind, target.address, target.venue or ", ".join(venues) or None, True, reasons)
        row.records_per_s = self._rates.per_second((target, "work"), samples.total(WORK[target.kind]), now_s)
        self._add_latency(row, target, samples, now_s)
        match target.kind:
            case "forwarder":
                connected = [value for _, value in samples.of("websocket_connected")]
                row.connections, row.connections_wanted = round(sum(connected)), len(connected)
                row.newest_age_ms = _times(samples.largest("book_age_seconds"), 1000)
                row.gaps, row.lost = _whole(samples, "sequence_errors_total"), _whole(samples, "messages_dropped_total")
                row.queued = _whole(samples, "producer_queue_depth")
            case "gateway":
                row.connections = _whole(samples, "gateway_socket_clients")
                row.lost = _whole(samples, "gateway_messages_dropped_total")
            case "recorder":
                row.gaps = _whole(samples, "recorder_gaps")
                if newest_s := samples.total("recorder_newest_record_timestamp_seconds"):
                    row.newest_age_ms = max(0.0, now_ms - 1000 * newest_s)
            case "ring":
                row.newest_age_ms = _times(samples.total("ring_newest_record_age_seconds"), 1000)
                row.lost = _whole(samples, "ring_invalid_records_total")
        return row

    def _add_latency(self, row: ProcessRow, target: Target, samples: Samples, now_s: float) -> None:
        """Quantiles of the last half minute."""
        name, unit_ms = LATENCY.get(target.kind, ("", 0.0))
        recent = {
            bound: self._rates.increase((target, name, bound), count, now_s) or 0.0
            for bound, count in samples.buckets(name).items()
        }
        row.latency_p50_ms = _times(quantile(recent, 0.50), unit_ms)
        row.latency_p99_ms = _times(quantile(recent, 0.99), unit_ms)

    async def _reasons(self, address: str) -> list[str]:
        """Reasons why a process is not ready; empty for one that is."""
        body = await self._fetch.body(f"{address}/ready", error_status=True)
        try:
            answer = msgspec.json.decode(body, type=_Ready)
        except DECODE_ERRORS:
            return []
        plain_status = answer.status if answer.status not in ("", "ok", "failed") else ""
        return answer.reasons or ([plain_status] if plain_status else [])


def _whole(samples: Samples, name: str) -> int | None:
    total = samples.total(name)
    return None if total is None else round(total)


def _times(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor
