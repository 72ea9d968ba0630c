"""Past spans of a book."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import StreamingResponse

from gateway.api import examples
from gateway.api.access import Analyst, Context
from gateway.api.parameters import Symbol, Time, Venue
from gateway.api.responses import problem_answers
from gateway.problems import wrong_field
from gateway.replay.request import ReplayRequest, ReplaySource, line

NDJSON = "application/x-ndjson"
SPAN_MS = 300_000
HEADER = {
    "venue": examples.VENUE,
    "symbol": examples.SYMBOL,
    "from": examples.NOW - SPAN_MS,
    "to": examples.NOW,
    "every_ms": 100,
    "source": "topic",
    "depth": True,
    "reason": None,
}
CONTENT = {NDJSON: {"schema": {"type": "string"}, "example": line(examples.NOW - SPAN_MS, "header", HEADER).decode()}}
RESPONSES: dict[int | str, dict[str, Any]] = {200: {"description": "Events of the span.", "content": CONTENT}}

router = APIRouter(prefix="/api", tags=["books"])


@router.get(
    "/replay/{venue}/{symbol:path}",
    response_class=StreamingResponse,
    responses=RESPONSES | problem_answers(401, 403, 404, 422, 429, 503),
)
async def replay(
    venue: Venue,
    symbol: Symbol,
    account: Analyst,
    context: Context,
    begin: Annotated[
        Time, Query(alias="from", description="begin, epoch ms; default: five minutes before `to`")
    ] = None,
    end: Annotated[Time, Query(alias="to", description="end, epoch ms; default: now")] = None,
    every_ms: Annotated[int, Query(ge=0, le=60_000, description="least time between two books; 0: every update")] = 100,
    source: Annotated[
        ReplaySource, Query(description="auto: a recording, else the raw topic, else the database")
    ] = "auto",
) -> StreamingResponse:
    """A past span of a book as lines of JSON: `header`, events as those of the sockets, `end`.

    Books are rebuilt from raw frames with all published levels; from the database they have metrics by second and
    their best level alone. The header names the source.
    """
    last = context.market.now_ms if end is None else end
    first = max(0, last - SPAN_MS) if begin is None else begin
    longest_ms = 1000 * context.settings.replay_max_span_s
    if not 0 <= last - first <= longest_ms:
        raise wrong_field("from", f"expected a time at most {longest_ms // 1000} s before `to`")
    recording = context.settings.replay_recording
    request = ReplayRequest(
        venue, symbol, first, last, first, every_ms, source, str(recording) if recording is not None else ""
    )
    return StreamingResponse(await context.replays.open(request), media_type=NDJSON)
