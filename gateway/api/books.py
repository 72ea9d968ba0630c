"""Books, trades, alerts, states and quality."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.responses import Response

from gateway.api import examples, history
from gateway.api.access import Analyst, Context, Viewer
from gateway.api.documents import Alerts, BookList, History, NewestBookAnswer, Quality, Status, Trades
from gateway.api.parameters import Limit, PageStart, RowType, Symbol, Time, Venue
from gateway.api.responses import answers
from gateway.context import Gateway
from gateway.encoding import Row, json_response, rows_response
from gateway.freshness import Freshness, aged
from gateway.paging import MAX_MS, Key, encode_cursor
from gateway.problems import Problem, wrong_field

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
USUAL = (401, 403, 422, 429, 503)
Resolution = Annotated[
    Literal["1s", "10s", "1m", "1h"] | None, Query(description="window size; default: chosen by the span")
]
BarSize = Annotated[
    Literal["1s", "1m", "1h"] | None, Query(description="length of a bar; default: 1s, or that of the page before")
]
Since = Annotated[Time, Query(alias="from", description="begin, epoch milliseconds; default: an hour before the end")]
Until = Annotated[Time, Query(alias="to", description="end, epoch milliseconds; default: now")]

router = APIRouter(prefix="/api", tags=["books"])


@router.get("/books", response_class=Response, responses=answers(BookList, examples.BOOKS, 401, 422, 429, 503))
async def books(
    account: Viewer,
    context: Context,
    venue: Annotated[str | None, Query(pattern=r"^[a-z0-9_]{1,32}$", description="books of one exchange")] = None,
) -> Response:
    """Newest record of every book, with its state and age."""
    found = await context.market.books(venue)
    return json_response({"count": len(found), "books": list(found.values())})


@router.get(
    "/books/{venue}/{symbol:path}/history",
    response_class=Response,
    responses=answers(History, examples.HISTORY, *USUAL, rows=True),
)
async def book_history(
    venue: Venue,
    symbol: Symbol,
    account: Analyst,
    context: Context,
    media: RowType,
    after: PageStart,
    begin: Since = None,
    end: Until = None,
    resolution: Resolution = None,
    limit: Limit = 1000,
) -> Response:
    """Windows of a book, oldest first; windows of 10 s follow one another."""
    span = _span(context, begin, end, after)
    chosen = after[1] if after and after[1] in history.STEP_S else history.choose_resolution(*span)
    size = resolution or chosen
    rows = await history.windows(context.reader, (venue, symbol), size, span, limit)
    return await _page(context, (venue, symbol), "windows", size, rows, limit, media)


@router.get(
    "/books/{venue}/{symbol:path}",
    response_class=Response,
    responses=answers(NewestBookAnswer, examples.BOOK, 401, 404, 422, 429, 503),
)
async def book(venue: Venue, symbol: Symbol, account: Viewer, context: Context) -> Response:
    """Newest record of a book with its best levels, its state and age."""
    found = await context.market.book(venue, symbol)
    if found is None:
        raise Problem(404, f"no book {venue}:{symbol} is known; /api/data/products lists the books")
    return json_response(found, found.freshness)


@router.get(
    "/trades/{venue}/{symbol:path}",
    response_class=Response,
    responses=answers(Trades, examples.TRADES, *USUAL, rows=True),
)
async def trades(
    venue: Venue,
    symbol: Symbol,
    account: Analyst,
    context: Context,
    media: RowType,
    after: PageStart,
    begin: Since = None,
    end: Until = None,
    resolution: BarSize = None,
    limit: Limit = 1000,
) -> Response:
    """Trade bars of a symbol, oldest first."""
    span = _span(context, begin, end, after)
    size = resolution or (after[1] if after and after[1] in history.TRADE_TABLES else "1s")
    rows = await history.trades(context.reader, (venue, symbol), size, span, limit)
    return await _page(context, (venue, symbol), "trades", size, rows, limit, media)


@router.get("/alerts", response_class=Response, responses=answers(Alerts, examples.ALERTS, *USUAL, rows=True))
async def alerts(
    account: Analyst,
    context: Context,
    media: RowType,
    after: PageStart,
    rule: Annotated[str | None, Query(pattern=r"^[a-z0-9_]{1,64}$", description="one rule")] = None,
    severity: Annotated[Literal["high", "medium", "info"] | None, Query(description="one severity")] = None,
    venue: Annotated[str | None, Query(pattern=r"^[a-z0-9_]{1,32}$", description="one exchange")] = None,
    symbol: Annotated[str | None, Query(pattern=r"^[A-Za-z0-9_./-]{1,64}$", description="one symbol")] = None,
    since: Annotated[Time, Query(description="epoch milliseconds; default: a day ago")] = None,
    limit: Limit = 100,
) -> Response:
    """Alerts, newest first."""
    start = context.market.now_ms - DAY_MS if since is None else since
    filters = {"rule": rule, "severity": severity, "venue": venue, "symbol": symbol}
    rows = await history.alerts(context.reader, filters, start, after, limit)
    following = encode_cursor((rows[-1]["event_time"], rows[-1]["id"])) if len(rows) == limit else None
    fresh = aged("database", rows[0]["event_time"] if rows else None, context.market.now_ms)
    document = {"count": len(rows), "alerts": rows, "next": following, "freshness": fresh}
    return rows_response(document, rows, fresh, media)


@router.get("/status", response_class=Response, responses=answers(Status, examples.STATUS, 401, 429, 503))
async def status(account: Viewer, context: Context) -> Response:
    """State of every book and option chain."""
    rows: list[Row] = [
        {
            "venue": venue,
            "symbol": symbol,
            "trusted": fresh.trusted,
            "state": fresh.state,
            "reason": fresh.reason,
            "since": fresh.since,
            "age_ms": fresh.age_ms,
        }
        for venue, symbol, fresh in await _states(context)
    ]
    return json_response({"trusted": all(row["trusted"] for row in rows), "count": len(rows), "books": rows})


@router.get("/quality", response_class=Response, responses=answers(Quality, examples.QUALITY, *USUAL, rows=True))
async def quality(
    account: Analyst,
    context: Context,
    media: RowType,
    since: Annotated[Time, Query(description="epoch milliseconds; default: an hour ago")] = None,
) -> Response:
    """Share of the time in sync, gaps, longest outage and latency of every book."""
    start = context.market.now_ms - HOUR_MS if since is None else since
    rows = await history.quality(context.reader, start)
    fresh = aged("database", context.market.now_ms, context.market.now_ms)
    document = {"since": start, "count": len(rows), "books": rows, "freshness": fresh}
    return rows_response(document, rows, fresh, media)


async def _states(context: Gateway) -> list[tuple[str, str, Freshness]]:
    found = [(*name, book.freshness) for name, book in (await context.market.books()).items()]
    for tick in await context.market.underlyings():
        fresh = await context.market.freshness(tick.venue, tick.underlying, tick.event_time, "database")
        found.append((tick.venue, tick.underlying, fresh))
    return found


def _span(context: Gateway, begin: int | None, end: int | None, after: Key | None) -> tuple[int, int]:
    """Span of a page: after the row of the cursor, which a default begin, an hour before now, may have passed."""
    last = context.market.now_ms if end is None else end
    first = max(0, last - HOUR_MS) if begin is None else begin
    if first > last:
        raise wrong_field("from", "expected a time before `to`")
    if after is None:
        return first, last
    following = min(after[0] + 1, MAX_MS)
    return following if begin is None else max(begin, following), last


async def _page(
    context: Gateway, book: tuple[str, str], name: str, size: str, rows: list[Row], limit: int, media: str
) -> Response:
    """One page of rows; the cursor of the next one has the time of the last row and the resolution."""
    newest = rows[-1]["time"] if rows else None
    fresh = await context.market.freshness(*book, newest, "database", history=True)
    following = encode_cursor((rows[-1]["time"], size)) if len(rows) == limit else None
    document = {"venue": book[0], "symbol": book[1], "resolution": size, "count": len(rows), name: rows}
    return rows_response(document | {"next": following, "freshness": fresh}, rows, fresh, media)
