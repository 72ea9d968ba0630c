"""Readers of the recording formats: one generator per format, from lines to envelopes."""

from collections import deque
from collections.abc import Iterable, Iterator
from decimal import Decimal
from urllib.parse import urlsplit

import msgspec

from core.envelope import decode_envelope
from core.records import Envelope
from ingestion.recordings.frame_reader import FrameReader
from ingestion.recordings.import_report import ImportReport, Position
from ingestion.recordings.line_reader import NumberedLine
from ingestion.recordings.times import parse_time
from ingestion.recordings.wrappers import Wrapper
from venues.frame_info import FRAME_ERRORS


class _CryptofeedLine(msgspec.Struct, gc=False):
    """One line of cryptofeed's format 2; `data` is the raw frame as text, `ts` seconds since the epoch."""

    t: str
    conn: str = ""
    ts: Decimal = Decimal(0)
    data: str = ""
    url: str = ""


_decode_line = msgspec.json.Decoder(_CryptofeedLine).decode


def stamped(lines: Iterable[NumberedLine], frame_reader: FrameReader) -> Iterator[Envelope | None]:
    """One `<receive time> <frame>` per line, including REST snapshots.

    hftbacktest writes epoch nanoseconds. tardis.dev writes ISO 8601, and a blank line where the connection ended.
    """
    iso = False
    for number, line in lines:
        if not line:
            if iso:
                yield from frame_reader.disconnect()
            continue
        start = line.find(b"{") if b"{" in line else len(line)
        stamp = line[:start].strip().decode(errors="replace")
        time = parse_time(stamp)
        if time is None:
            expected = "expected a receive time in nanoseconds or ISO 8601"
            frame_reader.report.reject(number, f"{expected}, got {_excerpt(line.split(maxsplit=1)[0])}", line)
            continue
        iso = not stamp.isdigit() and "-" in stamp
        yield frame_reader.to_envelope(number, line[start:], time)


def wrapped(wrapper: Wrapper, lines: Iterable[NumberedLine], frame_reader: FrameReader) -> Iterator[Envelope | None]:
    """One wrapper around a frame per line."""
    for number, line in lines:
        try:
            frame, time = wrapper.unwrap(line)
        except FRAME_ERRORS as error:
            frame_reader.report.reject(number, str(error), line)
            continue
        yield frame_reader.to_envelope(number, frame, time)


def cryptofeed(lines: Iterable[NumberedLine], frame_reader: FrameReader) -> Iterator[Envelope | None]:
    """cryptofeed's JSON lines, format 2: received frames and REST replies; sent messages are counted as ignored.

    Files converted from format 1 start with all REST replies. Each reply is delayed to its place by time: otherwise
    replay and pacing would emit a snapshot before the events that precede it.
    """
    responses: deque[tuple[Position, _CryptofeedLine, str]] = deque()  # with the symbol in the URL
    for number, line in lines:
        try:
            record = _decode_line(line)
        except FRAME_ERRORS as error:
            frame_reader.report.reject(number, str(error), line)
            continue
        if record.t == "recv":
            while responses and responses[0][1].ts <= record.ts:
                yield _cryptofeed_envelope(*responses.popleft(), frame_reader)
            yield _cryptofeed_envelope(number, record, "", frame_reader)
            continue
        symbol = frame_reader.venue.symbol_of_url(record.url) if record.t == "http" else None
        if symbol is not None:
            responses.append((number, record, symbol))
        else:
            frame_reader.report.ignored[_last_part(record.url) if record.t == "http" else record.t] += 1
    for response in responses:
        yield _cryptofeed_envelope(*response, frame_reader)


def _cryptofeed_envelope(
    number: Position, record: _CryptofeedLine, symbol: str, frame_reader: FrameReader
) -> Envelope | None:
    recv_us = int(record.ts * 1_000_000)
    return frame_reader.to_envelope(number, record.data.encode(), recv_us, record.conn, symbol)


def plain(lines: Iterable[NumberedLine], frame_reader: FrameReader) -> Iterator[Envelope | None]:
    """One frame per line, without a receive time."""
    for number, line in lines:
        yield frame_reader.to_envelope(number, line)


def envelopes(lines: Iterable[NumberedLine], report: ImportReport, venue: str | None) -> Iterator[Envelope | None]:
    """depthflow's own raw records, unchanged; with `venue`, those of other venues are counted as ignored."""
    for number, line in lines:
        try:
            envelope = decode_envelope(line)
        except FRAME_ERRORS as error:
            report.reject(number, str(error), line)
            continue
        if venue is not None and envelope.venue != venue:
            report.ignored[f"venue {envelope.venue}"] += 1
        else:
            report.accepted += 1
            report.position = number
            yield envelope


def _last_part(url: str) -> str:
    return urlsplit(url).path.rpartition("/")[2]


def _excerpt(text: bytes) -> str:
    return repr(text[:40].decode(errors="replace"))
