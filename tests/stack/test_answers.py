"""Questions and their answers, without a stack; tests/stack/test_demo.py asks the real ones."""

from pathlib import Path

import pytest

from stack import answers
from stack.answers import Question, as_typed, questions
from stack.errors import StackError
from stack.settings import StackSettings


def test_a_question_is_asked_until_there_is_an_answer() -> None:
    said = iter(("", "", "5 rows"))
    assert Question("Flink SQL", "depthflow sql", lambda: next(said)).answer() == "5 rows"


def test_no_answer_in_time_is_an_error_with_the_question(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "PATIENCE_S", 0)
    with pytest.raises(StackError, match="^Redis has no answer to redis-cli GET x. `depthflow status` shows the jobs"):
        Question("Redis", "redis-cli GET x", lambda: "").answer()


def test_what_is_typed_is_what_is_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    psql = tmp_path / "home" / "bin" / "psql"
    psql.parent.mkdir(parents=True)
    psql.write_text('#!/bin/sh\necho "$1 $3"\n')
    psql.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("POSTGRES_DSN", "postgresql://here")
    (asked,) = (each for each in questions(StackSettings(depthflow_home=tmp_path / "home")) if "psql" in each.typed)
    assert asked.typed == f'home/bin/psql "$POSTGRES_DSN" -c "{answers.SUMMARY}"'
    assert asked.ask() == f"postgresql://here {answers.SUMMARY}"
    psql.write_text("#!/bin/sh\necho '(0 rows)'\n")
    assert asked.ask() == ""
    psql.write_text("#!/bin/sh\necho 'no such table' >&2; exit 1\n")
    with pytest.raises(StackError, match="psql .* failed") as told:
        asked.ask()
    assert told.value.detail == "no such table"


def test_a_path_is_typed_from_here_if_it_lies_below(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert as_typed(tmp_path / "a b") == "'a b'"
    assert as_typed(Path("/opt/home")) == "/opt/home"
