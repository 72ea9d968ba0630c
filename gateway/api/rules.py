"""Thresholds of alerts: the topic `alert.rules`."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from core.errors import UserError
from gateway.api import examples
from gateway.api.access import Admin, Context
from gateway.api.documents import RuleRow, Rules
from gateway.api.responses import answers, problem_answers
from gateway.context import Gateway
from gateway.encoding import Row, json_response
from gateway.problems import Problem, wrong_field
from market.alerts.rule_table import with_change
from market.alerts.rules import Rule, RuleError, Thresholds, alert_rules, require_book
from reader.rules import read_overrides, rule_rows, write_override

router = APIRouter(prefix="/api/rules", tags=["rules"])
USUAL = (401, 403, 404, 422, 429, 503)
RuleName = Annotated[str, Path(pattern=r"^[a-z0-9_]{1,64}$", examples=["extreme_imbalance"])]
BookName = Annotated[
    str, Path(pattern=r"^(\*|[a-z0-9_]{1,32}:[A-Za-z0-9_./-]{1,64})$", description="venue:symbol, or * for all")
]


class NewThresholds(BaseModel):
    """Thresholds and times to set; one that is left out stays as it is."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    medium: float | None = Field(None, examples=[0.6])
    high: float | None = Field(None, examples=[0.8])
    held_ms: int | None = Field(None, description="time for which a value must stay at a threshold")
    cooldown_s: float | None = Field(None, description="time for which a value must be calm before the alert ends")


@router.get("", response_class=Response, responses=answers(Rules, examples.RULES, 401, 403, 429, 503))
async def rules(account: Admin, context: Context) -> Response:
    """Every rule with its defaults and the thresholds that operators have set."""
    return json_response({"rules": await asyncio.to_thread(_rows, context)})


@router.get("/{rule}", response_class=Response, responses=answers(Rules, examples.RULES, *USUAL))
async def one_rule(rule: RuleName, account: Admin, context: Context) -> Response:
    """One rule: its thresholds for all books, and for single ones."""
    _require(context, rule)
    rows = await asyncio.to_thread(_rows, context)
    return json_response({"rules": [row for row in rows if row["rule"] == rule]})


@router.put("/{rule}/{book:path}", response_class=Response, responses=answers(RuleRow, examples.RULE, *USUAL))
async def set_rule(rule: RuleName, book: BookName, body: NewThresholds, account: Admin, context: Context) -> Response:
    """Set thresholds of a rule for a book or all; running jobs apply them without a restart."""
    wanted = _require(context, rule)
    given = body.model_dump(exclude_none=True)
    for name, value in given.items():
        if (expected := wanted.range_error(name, value)) is not None:
            raise wrong_field(name, expected)
    return json_response(await asyncio.to_thread(_set, context, wanted, book, Thresholds(**given)))


@router.delete(
    "/{rule}/{book:path}",
    status_code=204,
    response_class=Response,
    responses=problem_answers(*USUAL),
)
async def delete_rule(rule: RuleName, book: BookName, account: Admin, context: Context) -> Response:
    """Delete the thresholds of a rule for a book or all; the defaults apply again."""
    _require(context, rule)
    await asyncio.to_thread(_write, context, rule, book, None)
    return Response(status_code=204)


def _require(context: Gateway, name: str) -> Rule:
    found = alert_rules(context.settings).get(name)
    if found is None:
        raise Problem(404, f"there is no rule {name}; /api/rules lists them")
    return found


def _rows(context: Gateway) -> list[Row]:
    return list(rule_rows(alert_rules(context.settings), read_overrides(context.settings)))


def _set(context: Gateway, rule: Rule, book: str, given: Thresholds) -> Row:
    require_book(book)
    overrides = read_overrides(context.settings)
    try:
        overrides = with_change(overrides, rule, book, given)
    except RuleError as error:
        raise wrong_field("medium", str(error)) from None
    _write(context, rule.name, book, overrides[rule.name, book])
    return next(row for row in rule_rows({rule.name: rule}, overrides) if row["book"] == book)


def _write(context: Gateway, rule: str, book: str, thresholds: Thresholds | None) -> None:
    try:
        write_override(context.settings, rule, book, thresholds)
    except UserError as error:
        raise Problem(503, str(error)) from None
