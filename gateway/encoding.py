"""Answers as JSON, CSV or an Arrow stream, by the request's `Accept`."""

import csv
import io
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

import msgspec
from starlette.responses import Response

from gateway.freshness import Freshness
from gateway.problems import Problem

JSON = "application/json"
CSV = "text/csv"
ARROW = "application/vnd.apache.arrow.stream"
ROW_TYPES = (JSON, CSV, ARROW)

Row = dict[str, Any]


def _to_ms(value: Any) -> Any:
    if isinstance(value, datetime):
        return round(value.timestamp() * 1000)
    raise NotImplementedError(type(value))


_encoder = msgspec.json.Encoder(enc_hook=_to_ms)


def encode(document: Any) -> bytes:
    """JSON of Structs, dicts and lists: NaN and infinities are null, times epoch ms."""
    return _encoder.encode(document)


def accepted(accept: str | None, offered: Sequence[str] = ROW_TYPES) -> str:
    """The first media type of `Accept`, by quality, that is offered. Raises Problem 406 if none is."""
    for media in _by_quality(accept or "*/*"):
        for kind in offered:
            if media in (kind, "*/*", kind.partition("/")[0] + "/*"):
                return kind
    raise Problem(406, f"Accept: expected one of {', '.join(offered)}")


def _by_quality(accept: str) -> list[str]:
    ranked = []
    for part in accept.split(","):
        media, *parameters = (each.strip().lower() for each in part.split(";"))
        quality = next((each[2:] for each in parameters if each.startswith("q=")), "1")
        try:
            ranked.append((-float(quality), media))
        except ValueError:
            continue
    return [media for quality, media in sorted(ranked, key=lambda each: each[0]) if quality < 0]


def json_response(document: Any, freshness: Freshness | None = None) -> Response:
    """A JSON answer."""
    return Response(encode(document), headers=freshness.headers() if freshness else None, media_type=JSON)


def rows_response(document: dict[str, Any], rows: list[Row], freshness: Freshness, media_type: str) -> Response:
    """The whole document as JSON, or its rows alone as CSV or Arrow.

    The cursor is then in the header `Next`, encoded as in a URL.
    """
    if media_type == JSON:
        return json_response(document, freshness)
    headers = freshness.headers() | ({"Next": quote(document["next"])} if document.get("next") else {})
    plain = msgspec.json.decode(encode(rows))
    body = csv_bytes(plain) if media_type == CSV else arrow_bytes(plain)
    return Response(body, headers=headers, media_type=media_type)


def csv_bytes(rows: list[Row]) -> bytes:
    """Rows as CSV with a head; null is empty, lists are joined by semicolons."""
    out = io.StringIO()
    if rows:
        writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return out.getvalue().encode()


def arrow_bytes(rows: list[Row]) -> bytes:
    """Rows as an Arrow IPC stream."""
    import pyarrow as pa  # few requests need it, and every start of the gateway would wait for it

    table = pa.Table.from_pylist(rows)
    out = io.BytesIO()
    with pa.ipc.new_stream(out, table.schema) as writer:
        writer.write_table(table)
    return out.getvalue()


def _cell(value: Any) -> Any:
    return ";".join(map(str, value)) if isinstance(value, list) else value
