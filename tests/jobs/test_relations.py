from pathlib import Path

import pytest

from jobs import books, pipeline
from jobs.connectors import database, properties
from jobs.relations import SQL, MissingOption, statement
from market.settings import Settings

SETTINGS = Settings(
    kafka_bootstrap_servers="broker:9092", postgres_dsn="postgresql://writer:it's@db:5433/books?sslmode=require"
)
OPTIONS = pipeline.options(SETTINGS, books.JOB, books.define_keeping(SETTINGS))
FILES = sorted(SQL.rglob("*.sql"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_file_opens_with_what_a_row_is(path: Path) -> None:
    assert path.read_text().startswith("-- ")


@pytest.mark.parametrize(
    "path", [p for p in FILES if p.parent.name in ("sources", "views", "sinks")], ids=lambda p: p.stem
)
def test_a_file_creates_the_relation_of_its_name(path: Path) -> None:
    name = f"{path.parent.name}/{path.stem}"
    text = statement(name, OPTIONS)
    assert any(f"CREATE TEMPORARY {kind} {path.stem} " in text for kind in ("TABLE", "VIEW"))


def test_a_missing_option_is_named_with_its_file(tmp_path: Path) -> None:
    (tmp_path / "sinks").mkdir()
    (tmp_path / "sinks" / "rows_sink.sql").write_text("'topic' = '${topic}'")
    with pytest.raises(
        MissingOption, match=r"sql/sinks/rows_sink.sql needs the option 'topic', which the settings do not"
    ):
        statement("sinks/rows_sink", {}, tmp_path)


def test_views_are_read_verbatim_since_json_paths_contain_dollars(tmp_path: Path) -> None:
    (tmp_path / "views").mkdir()
    (tmp_path / "views" / "v.sql").write_text("JSON_VALUE(line, '$.price')")
    assert statement("views/v", {}, tmp_path) == "JSON_VALUE(line, '$.price')"


def test_a_dsn_becomes_a_jdbc_url_with_its_login_and_its_tls() -> None:
    lines = database(SETTINGS.postgres_dsn.get_secret_value()).split(",\n  ")
    assert lines == [
        "'url' = 'jdbc:postgresql://db:5433/books?stringtype=unspecified&sslmode=require'",
        "'username' = 'writer'",
        "'password' = 'it''s'",
    ]


def test_client_options_are_quoted_as_sql_wants() -> None:
    assert properties({"sasl.jaas.config": "x='y'"}) == "'properties.sasl.jaas.config' = 'x=''y'''"
