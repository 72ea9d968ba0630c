"""Detects a recording's format and venue from its first lines; file names are ignored."""

import re
from collections.abc import Iterable
from contextlib import suppress
from typing import Literal, NamedTuple

import msgspec

from ingestion.recordings.line_reader import NumberedLine
from ingestion.recordings.wrappers import Wrapper, find_wrapper
from venues.frame_info import FRAME_ERRORS
from venues.registry import VENUES

Format = Literal["stamped", "cryptofeed", "plain", "wrapped", "envelopes"]

_STAMPED = re.compile(rb"(\d{9,20}(?:\.\d+)?|\d{4}-\d\d-\d\d[T ][\d:.]+(?:Z|[+-]\d\d:?\d\d)?)[ \t]+(?=[{\[])")
_CRYPTOFEED_KINDS = frozenset({"header", "connect", "recv", "send", "http"})


class Detection(NamedTuple):
    """Format; venue, None when unknown; symbol of the line, "" when it names none; wrapper of the frames."""

    format: Format
    venue: str | None
    symbol: str = ""
    wrapper: Wrapper | None = None


class _Fields(msgspec.Struct, gc=False):
    """Fields that distinguish the formats."""

    t: str = ""
    exchange: str = ""
    venue: str = ""
    conn: str = ""
    recv_us: int | None = None


_decode = msgspec.json.Decoder(_Fields).decode


def detect(head: Iterable[NumberedLine]) -> tuple[Detection, frozenset[str]] | None:
    """Format and venue of the first lines, and the symbols that they name; None when no line reveals the format.

    Undecodable lines are skipped.
    """
    best: Detection | None = None
    symbols: set[str] = set()
    for _, line in head:
        detection = _detect_line(line) if line else None
        if detection is None:
            continue
        if best is None or (best.venue is None and detection.venue is not None):
            best, symbols = detection, set()
        if detection[:2] == best[:2] and detection.symbol:
            symbols.add(detection.symbol)
        if best.wrapper and detection.wrapper and not best.wrapper.time:
            best = best._replace(wrapper=detection.wrapper)
    return None if best is None else (best, frozenset(symbols))


def _detect_line(line: bytes) -> Detection | None:
    stamp = _STAMPED.match(line)
    frame = line[stamp.end() :] if stamp else line
    fields = _read_fields(frame)
    if fields is None:
        return None
    if fields.t in _CRYPTOFEED_KINDS and not stamp:
        return Detection("cryptofeed", _cryptofeed_venue(fields.exchange))
    if fields.venue and fields.conn and fields.recv_us is not None and not stamp:
        return Detection("envelopes", fields.venue)
    venue, symbol = _recognise(frame)
    if stamp:
        return Detection("stamped", venue, symbol)
    if venue:
        return Detection("plain", venue, symbol)
    found = find_wrapper(frame, _recognise_inner)
    return found and Detection("wrapped", *found[1], found[0])


def _read_fields(frame: bytes) -> _Fields | None:
    try:
        return _decode(frame)
    except msgspec.ValidationError:
        return _Fields()  # an object with other types in these fields
    except FRAME_ERRORS:
        return None


def _recognise_inner(frame: bytes) -> tuple[str, str] | None:
    venue, symbol = _recognise(frame)
    return (venue, symbol) if venue else None


def _cryptofeed_venue(exchange: str) -> str | None:
    """Venue id for cryptofeed's name of an exchange; the name itself when no venue has it."""
    ids = (venue.id for venue in VENUES.values() if exchange and venue.cryptofeed_name == exchange)
    return next(ids, exchange or None)


def _recognise(frame: bytes) -> tuple[str | None, str]:
    """Venue and symbol of a frame; None and "" when no venue recognises it."""
    for venue in VENUES.values():
        with suppress(*FRAME_ERRORS):
            symbol = venue.recognise(frame)
            if symbol is not None:
                return venue.id, symbol
    return None, ""
