"""Sample queries without a stack; tests/stack/demo/test_demo.py runs them on a real one."""

from pathlib import Path

import pytest

from core.settings import Settings
from stack.demo import sample_queries
from stack.demo.sample_queries import SampleQuery, shell_path
from stack.services.errors import StackError


def test_a_query_is_repeated_until_it_has_a_result() -> None:
    results = iter(("", "", "5 rows"))
    assert SampleQuery("Flink SQL", "depthflow sql", lambda: next(results)).result() == "5 rows"


def test_no_result_in_time_is_an_error_that_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample_queries, "RESULT_S", 0)
    with pytest.raises(StackError, match="^Redis has no result for redis-cli GET x. `depthflow status` shows the jobs"):
        SampleQuery("Redis", "redis-cli GET x", lambda: "").result()


def test_the_shown_command_is_the_one_that_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    psql = tmp_path / "home" / "bin" / "psql"
    psql.parent.mkdir(parents=True)
    psql.write_text('#!/bin/sh\necho "$1 $3"\n')
    psql.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    settings = Settings(depthflow_home=tmp_path / "home", postgres_dsn="postgresql://here")
    (query,) = (query for query in sample_queries.sample_queries(settings) if "psql" in query.command)
    assert query.command == f'home/bin/psql "$POSTGRES_DSN" -c "{sample_queries.SUMMARY}"'
    assert query.run() == f"postgresql://here {sample_queries.SUMMARY}"
    psql.write_text("#!/bin/sh\necho '(0 rows)'\n")
    assert query.run() == ""
    psql.write_text("#!/bin/sh\necho 'no such table' >&2; exit 1\n")
    with pytest.raises(StackError, match="psql .* failed") as failure:
        query.run()
    assert failure.value.detail == "no such table"


def test_a_path_is_relative_if_it_lies_below_the_working_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert shell_path(tmp_path / "a b") == "'a b'"
    assert shell_path(Path("/opt/home")) == "/opt/home"
