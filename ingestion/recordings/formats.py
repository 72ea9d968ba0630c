"""One generator a format: lines in, envelopes out. What they are is described in `frames/SOURCES.md`."""

from collections import deque
from collections.abc import Iterable, Iterator
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import msgspec

from ingestion.labels import FRAME_ERRORS
from ingestion.recordings.account import Account
from ingestion.recordings.intake import Intake
from ingestion.recordings.source import Line
from market.records import Envelope

DEPTH_ENDPOINT = "/depth"  # its answers do not name their symbol, the query does


class _Record(msgspec.Struct, gc=False):
    """One line of cryptofeed's format 2; `data` is the raw frame as text, `ts` seconds since the epoch."""

    t: str
    conn: str = ""
    ts: Decimal = Decimal(0)
    data: str = ""
    url: str = ""


_decode_record = msgspec.json.Decoder(_Record).decode
_decode_envelope = msgspec.json.Decoder(Envelope).decode


def hftbacktest(lines: Iterable[Line], intake: Intake) -> Iterator[Envelope | None]:
    """`<receive time, ns> <frame>` a line, REST snapshots among them."""
    for number, line in lines:
        stamp, _, frame = line.partition(b" ")
        if not stamp.isdigit():
            intake.account.reject(number, f"expected a receive time in nanoseconds, got {_start(stamp)}")
        else:
            yield intake.take(number, frame, int(stamp) // 1000)


def cryptofeed(lines: Iterable[Line], intake: Intake) -> Iterator[Envelope | None]:
    """cryptofeed's JSONL, format 2: what was received and fetched; what was sent is counted.

    Files converted from format 1 have all REST answers first: each waits here for its moment, else replay and pacing
    would see a snapshot before the events that it came after.
    """
    fetched: deque[tuple[int, _Record]] = deque()
    for number, line in lines:
        try:
            record = _decode_record(line)
        except FRAME_ERRORS as error:
            intake.account.reject(number, str(error))
            continue
        if record.t == "recv":
            while fetched and fetched[0][1].ts <= record.ts:
                yield _take(*fetched.popleft(), intake)
            yield _take(number, record, intake)
        elif record.t == "http" and not record.url.partition("?")[0].endswith("/exchangeInfo"):
            fetched.append((number, record))
        else:
            intake.account.counted["exchangeInfo" if record.t == "http" else record.t] += 1
    for number, record in fetched:
        yield _take(number, record, intake)


def _take(number: int, record: _Record, intake: Intake) -> Envelope | None:
    recv_us = int(record.ts * 1_000_000)
    return intake.take(number, record.data.encode(), recv_us, record.conn, _queried_symbol(record.url))


def plain(lines: Iterable[Line], intake: Intake) -> Iterator[Envelope | None]:
    """One frame a line and nothing else."""
    for number, line in lines:
        yield intake.take(number, line)


def envelopes(lines: Iterable[Line], account: Account, venue: str | None) -> Iterator[Envelope | None]:
    """depthflow's own raw records, unchanged; those of other venues are counted when one is asked for."""
    for number, line in lines:
        try:
            envelope = _decode_envelope(line)
        except FRAME_ERRORS as error:
            account.reject(number, str(error))
            continue
        if venue is not None and envelope.venue != venue:
            account.counted[f"of {envelope.venue}"] += 1
        else:
            account.kept += 1
            yield envelope


def _queried_symbol(url: str) -> str:
    parts = urlsplit(url)
    return parse_qs(parts.query).get("symbol", [""])[0] if parts.path.endswith(DEPTH_ENDPOINT) else ""


def _start(text: bytes) -> str:
    return repr(text[:40].decode(errors="replace"))
