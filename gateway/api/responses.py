"""Answers and problems of an operation in the OpenAPI document."""

from typing import Any

import msgspec
from msgspec import Struct

from core.records import Processed
from gateway.api.documents import (
    Alerts,
    BookList,
    Health,
    History,
    Invited,
    LoginCode,
    NewestBookAnswer,
    Products,
    Quality,
    RuleRow,
    Rules,
    Session,
    Status,
    Trades,
    UserList,
    UserView,
)
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
from gateway.encoding import ARROW, CSV, JSON
from gateway.pipeline.documents import PipelineAnswer
from gateway.problems import PROBLEM, ProblemDocument

ANSWERS: tuple[type[Struct], ...] = (
    *(
        UserView,
        Session,
        LoginCode,
        Invited,
        UserList,
        Products,
        Underlying,
        ChainList,
        PutCall,
        Surface,
        TermStructure,
    ),
    *(Exposure, OpenInterest, MaxPain, NewestBookAnswer, BookList, History, Trades, Alerts, Status, Quality, Rules),
    *(RuleRow, Health, ProblemDocument, Processed, PipelineAnswer),
)
PROBLEMS = {
    400: "The request is malformed.",
    401: "A token is missing, expired or not valid.",
    403: "The account's role does not allow this.",
    404: "The account, rule, book, product or span is unknown.",
    406: "No offered media type is accepted.",
    409: "The name is taken, or an admin tried to change their own account.",
    422: "A field is invalid; `errors` names it.",
    429: "Too many requests.",
    503: "Redis or the database is needed and unavailable.",
}


def schema_components() -> dict[str, Any]:
    """JSON schemas of all answers, by name."""
    _, components = msgspec.json.schema_components(ANSWERS, ref_template="#/components/schemas/{name}")
    return components


def reference(kind: type[Struct]) -> dict[str, str]:
    """Reference to the schema of an answer."""
    return {"$ref": f"#/components/schemas/{kind.__name__}"}


def answers(kind: type[Struct], example: Any, *problems: int, rows: bool = False, status: int = 200) -> Any:
    """The `responses` of an operation: its answer with an example, and its problems.

    `rows`: CSV and Arrow are offered as well.
    """
    content: dict[str, Any] = {JSON: {"schema": reference(kind), "example": example}}
    if rows:
        content |= {CSV: {"schema": {"type": "string"}}, ARROW: {"schema": {"type": "string", "format": "binary"}}}
    failed = (*problems, 406) if rows else problems
    return {status: {"description": "Successful.", "content": content}} | problem_answers(*failed)


def problem_answers(*statuses: int) -> Any:
    """Problem documents of an operation."""
    schema = {PROBLEM: {"schema": reference(ProblemDocument)}}
    return {each: {"description": PROBLEMS[each], "content": schema} for each in sorted({400, *statuses})}
