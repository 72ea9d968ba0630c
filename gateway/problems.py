"""Errors of the API as problem documents (RFC 9457)."""

from collections.abc import Mapping
from http import HTTPStatus

import msgspec
from msgspec import Struct
from starlette.responses import Response

PROBLEM = "application/problem+json"


class FieldError(Struct, frozen=True):
    """One wrong field: its name, with dots between levels, and what was expected."""

    field: str
    detail: str


class ProblemDocument(Struct, frozen=True, omit_defaults=True):
    """Body of every answer with an error status."""

    title: str
    status: int
    detail: str
    type: str = "about:blank"
    errors: list[FieldError] = []


class Problem(Exception):
    """An error that ends a request. `errors` names the wrong fields."""

    def __init__(
        self, status: int, detail: str, errors: list[FieldError] | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.errors, self.headers = status, detail, errors or [], headers


def wrong_field(field: str, detail: str) -> Problem:
    """A problem with one field of the request."""
    return Problem(422, f"{field}: {detail}", [FieldError(field, detail)])


def problem_response(problem: Problem) -> Response:
    """The answer for a problem."""
    document = ProblemDocument(HTTPStatus(problem.status).phrase, problem.status, problem.detail, errors=problem.errors)
    body = msgspec.json.encode(document)
    return Response(body, problem.status, dict(problem.headers or {}), media_type=PROBLEM)
