"""Underlyings, option chains and their analytics."""

from datetime import date
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from gateway import chains
from gateway.api import examples, history
from gateway.api.access import Context, Viewer
from gateway.api.documents import Products
from gateway.api.option_documents import (
    ChainList,
    Exposure,
    MaxPain,
    OpenInterest,
    PutCall,
    Surface,
    TermStructure,
    Underlying,
)
from gateway.api.parameters import Expiry, ProductName, RowType
from gateway.api.past import PastRows, PastSeconds, WithHistory
from gateway.api.responses import answers
from gateway.chains import ExpiryChain
from gateway.context import Gateway
from gateway.encoding import json_response, rows_response
from gateway.freshness import Freshness
from gateway.problems import Problem
from gateway.stored_values import join_rows

router = APIRouter(prefix="/api", tags=["options"])
USUAL = (401, 404, 422, 429, 503)


@router.get("/data/products", response_class=Response, responses=answers(Products, examples.PRODUCTS, 401, 429, 503))
async def products(account: Viewer, context: Context) -> Response:
    """Underlyings with options, and books."""
    return json_response({"products": await context.market.products()})


@router.get(
    "/data/underlying/{product}",
    response_class=Response,
    responses=answers(Underlying, examples.UNDERLYING, 403, *USUAL, rows=True),
)
async def underlying(
    product: ProductName, account: Viewer, context: Context, media: RowType, limit: PastRows
) -> Response:
    """Seconds of an underlying, newest first; `limit` above 1 reads the database and needs the role analyst."""
    newest = await context.market.underlying(product)
    if newest is None:
        raise _unknown(product)
    tick, source = newest
    ticks: list[Any] = [tick]
    if limit > 1:
        ticks, source = await history.underlying_ticks(context.reader, tick.venue, tick.underlying, limit), "database"
    fresh = await context.market.freshness(tick.venue, tick.underlying, tick.event_time, source)
    document = {"product": tick.underlying, "count": len(ticks), "ticks": ticks, "freshness": fresh}
    return rows_response(document, ticks, fresh, media)


@router.get("/data/chain/{product}", response_class=Response, responses=answers(ChainList, examples.CHAIN, 403, *USUAL))
async def chain(
    product: ProductName, account: Viewer, context: Context, limit: PastSeconds, expiry: Expiry = None
) -> Response:
    """Full chains, newest first: summary, calls and puts of every expiry, or the last seconds of one."""
    found, fresh = await _chains(context, product, expiry)
    if expiry is not None and limit is not None and limit > 1:
        found = join_rows(*await history.chain_seconds(context.reader, found[0].summary, limit))
    shown = [chains.full_chain(each) for each in found[:limit]]
    return json_response({"product": _name(found), "count": len(shown), "chains": shown, "freshness": fresh}, fresh)


@router.get("/analytics/pcr/{product}", response_class=Response, responses=answers(PutCall, examples.PCR, 403, *USUAL))
async def pcr(product: ProductName, account: Viewer, context: Context, with_history: WithHistory) -> Response:
    """Put-call ratios of all expiries together."""
    newest = await context.market.underlying(product)
    if newest is None:
        raise _unknown(product)
    tick, source = newest
    minutes = await history.put_call_minutes(context.reader, tick.venue, tick.underlying) if with_history else []
    fresh = await context.market.freshness(tick.venue, tick.underlying, tick.event_time, source)
    latest = {
        "time": tick.event_time,
        "pcr_open_interest": tick.pcr_open_interest,
        "pcr_volume": tick.pcr_volume,
    }
    return json_response({"product": tick.underlying, "latest": latest, "history": minutes, "freshness": fresh}, fresh)


@router.get(
    "/analytics/volatility-surface/{product}",
    response_class=Response,
    responses=answers(Surface, examples.SURFACE, *USUAL),
)
async def volatility_surface(
    product: ProductName, account: Viewer, context: Context, expiry: Expiry = None
) -> Response:
    """Volatilities by expiry and strike: the exchange's, those of bid and ask, and the fitted curve."""
    found, fresh = await _chains(context, product, expiry)
    smiles = [chains.smile(each) for each in found]
    return json_response({"product": _name(found), "expiries": smiles, "freshness": fresh}, fresh)


@router.get(
    "/analytics/term-structure/{product}",
    response_class=Response,
    responses=answers(TermStructure, examples.TERM, *USUAL, rows=True),
)
async def term_structure(product: ProductName, account: Viewer, context: Context, media: RowType) -> Response:
    """Forwards, at-the-money volatility and expected move by expiry."""
    found, fresh = await _chains(context, product, None)
    rows = [chains.term_row(each) for each in found]
    document = {"product": _name(found), "spot_price": found[0].spot, "expiries": rows, "freshness": fresh}
    return rows_response(document, rows, fresh, media)


@router.get(
    "/analytics/exposure/{product}",
    response_class=Response,
    responses=answers(Exposure, examples.EXPOSURE, *USUAL, rows=True),
)
async def exposure(
    product: ProductName, account: Viewer, context: Context, media: RowType, expiry: Expiry = None
) -> Response:
    """Gamma exposure by strike, of one expiry or of all together, and the level at which it is zero."""
    found, fresh = await _chains(context, product, expiry)
    rows = chains.exposure(found)
    zero = found[0].summary.zero_gamma
    if expiry is None:
        newest = await context.market.underlying(product)
        zero = newest[0].zero_gamma if newest else None
    document = {
        "product": _name(found),
        "expiry": found[0].day if expiry else None,
        "spot_price": found[0].spot,
        "zero_gamma": zero,
        "strikes": rows,
        "freshness": fresh,
    }
    return rows_response(document, rows, fresh, media)


@router.get(
    "/analytics/open-interest/{product}",
    response_class=Response,
    responses=answers(OpenInterest, examples.INTEREST, *USUAL, rows=True),
)
async def open_interest(
    product: ProductName, account: Viewer, context: Context, media: RowType, expiry: Expiry = None
) -> Response:
    """Open interest by strike, its change over an hour, and the walls."""
    found, fresh = await _chains(context, product, expiry)
    changes = await history.interest_changes(context.reader, found[0].summary.venue, _name(found))
    rows = chains.open_interest(found, changes)
    document = {
        "product": _name(found),
        "expiry": found[0].day if expiry else None,
        "spot_price": found[0].spot,
        "call_wall": _wall(rows, "calls"),
        "put_wall": _wall(rows, "puts"),
        "strikes": rows,
        "freshness": fresh,
    }
    return rows_response(document, rows, fresh, media)


@router.get(
    "/analytics/max-pain/{product}", response_class=Response, responses=answers(MaxPain, examples.MAX_PAIN, *USUAL)
)
async def max_pain(product: ProductName, account: Viewer, context: Context, expiry: Expiry = None) -> Response:
    """Max pain of one expiry, or of the nearest and of every expiry."""
    found, fresh = await _chains(context, product, expiry)
    rows = [chains.max_pain(each) for each in found]
    return json_response({"product": _name(found)} | rows[0] | {"expiries": rows, "freshness": fresh}, fresh)


async def _chains(context: Gateway, product: str, expiry: date | None) -> tuple[list[ExpiryChain], Freshness]:
    """Expiries of a chain, nearest first, at least one. Raises Problem 404."""
    found, source = await context.market.chains(product)
    if not found:
        raise _unknown(product)
    wanted = [each for each in found if expiry is None or each.day == expiry.isoformat()]
    if not wanted:
        raise Problem(404, f"{product} has no expiry {expiry}; it has {', '.join(each.day for each in found)}")
    newest = max(wanted, key=lambda each: each.summary.event_time).summary
    return wanted, await context.market.freshness(newest.venue, newest.underlying, newest.event_time, source)


def _name(found: list[ExpiryChain]) -> str:
    return found[0].summary.underlying


def _unknown(product: str) -> Problem:
    return Problem(404, f"no options of {product} are known; /api/data/products lists the products")


def _wall(rows: list[dict[str, Any]], side: str) -> float | None:
    best = max(rows, key=lambda row: row[side], default=None)
    return best["strike"] if best is not None and best[side] > 0 else None
