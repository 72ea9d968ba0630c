"""Wrappers around frames: `{"<time>": …, "<frame>": {…}}` with any names, and JSON arrays of frames."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import NamedTuple, TypeVar

import msgspec

from ingestion.recordings.line_reader import NumberedLine
from ingestion.recordings.times import is_plausible, parse_time
from venues.frame_info import FRAME_ERRORS

Found = TypeVar("Found")

_RECEIVED = ("rec", "rx", "local", "arriv")  # parts of names of receive times, where a wrapper has several times
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_items = msgspec.json.Decoder(list[msgspec.Raw]).decode
_text = msgspec.json.Decoder(str).decode


class Wrapper(NamedTuple):
    """Names of the fields of a wrapper; `time` is "" where none has a receive time."""

    frame: str
    time: str

    def __str__(self) -> str:
        time = f", receive time in `{self.time}`" if self.time else ", without a receive time"
        return f"each line is a wrapper: frame in `{self.frame}`{time}"

    def unwrap(self, line: bytes) -> tuple[bytes, int | None]:
        """Frame and receive time (epoch µs). Raises one of FRAME_ERRORS.

        A line without the frame's field is a frame itself.
        """
        fields = _fields(line)
        if self.frame not in fields:
            return line, None
        time = _time(fields[self.time]) if self.time in fields else None
        if self.time and time is None:
            raise ValueError(f"field {self.time!r}: expected a receive time")
        return _frame(fields[self.frame]), time


def find_wrapper(line: bytes, recognise: Callable[[bytes], Found | None]) -> tuple[Wrapper, Found] | None:
    """Wrapper in which exactly one field is a frame, and what `recognise` returns for that frame; None otherwise."""
    try:
        fields = _fields(line)
    except FRAME_ERRORS:
        return None
    found: dict[str, Found] = {}
    for name, raw in fields.items():
        with suppress(*FRAME_ERRORS):
            frame = _frame(raw)
            recognised = recognise(frame) if frame.startswith(b"{") else None
            if recognised is not None:
                found[name] = recognised
    if len(found) != 1:
        return None
    name, recognised = found.popitem()
    times = [other for other, raw in fields.items() if other != name and is_plausible(_time(raw))]
    received = [other for other in times if any(part in other.lower() for part in _RECEIVED)]
    return Wrapper(name, next(iter(received or times), "")), recognised


def field_names(line: bytes) -> list[str] | None:
    """Names of the fields of a JSON object; None for any other text."""
    try:
        return list(_fields(line))
    except FRAME_ERRORS:
        return None


def fault(line: bytes) -> str:
    """Reason for which a line is no JSON object; "" if it is one."""
    try:
        _fields(line)
    except FRAME_ERRORS as error:
        return str(error)
    return ""


def is_array(line: bytes) -> bool:
    """True for a whole JSON array."""
    try:
        _items(line)
    except FRAME_ERRORS:
        return False
    return True


def expand_arrays(lines: Iterator[NumberedLine]) -> Iterator[NumberedLine]:
    """The same lines; a line that is a JSON array of objects is replaced by its items."""
    for position, line in lines:
        items = array_items(line) if line.startswith(b"[") else None
        if items is None:
            yield position, line
        else:
            yield from ((f"{position}[{number}]", item) for number, item in enumerate(items))


def array_items(text: bytes) -> list[bytes] | None:
    """Items of a JSON array of objects; None for any other text."""
    try:
        items = [bytes(item) for item in _items(text)]
    except FRAME_ERRORS:
        return None
    return items if all(item.startswith(b"{") for item in items) else None


def _frame(raw: msgspec.Raw) -> bytes:
    """Bytes of a frame that is an object or the text of one."""
    data = bytes(raw)
    return _text(raw).encode() if data.startswith(b'"') else data


def _time(raw: msgspec.Raw) -> int | None:
    data = bytes(raw)
    try:
        return parse_time(_text(raw) if data.startswith(b'"') else data.decode())
    except FRAME_ERRORS:
        return None
