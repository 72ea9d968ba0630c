"""The files of sql/: heads, names, options."""

import re
from pathlib import Path

import pytest

from core.resources import ROOT
from core.settings import Settings
from jobs import books, pipeline
from jobs.connectors import database, properties
from jobs.sql_files import SQL, MissingOption, statement

SETTINGS = Settings(
    kafka_bootstrap_servers="broker:9092", postgres_dsn="postgresql://writer:it's@db:5433/books?sslmode=require"
)
OPTIONS = pipeline.options(SETTINGS, books.JOB, books.define_spec(SETTINGS))
FILES = sorted(SQL.rglob("*.sql"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_file_begins_with_a_description_of_its_rows(path: Path) -> None:
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
    with pytest.raises(MissingOption, match=r"sql/sinks/rows_sink.sql needs the option 'topic', which has no value"):
        statement("sinks/rows_sink", {}, tmp_path)


def test_views_are_used_verbatim_since_json_paths_contain_dollars(tmp_path: Path) -> None:
    (tmp_path / "views").mkdir()
    (tmp_path / "views" / "v.sql").write_text("JSON_VALUE(line, '$.price')")
    assert statement("views/v", {}, tmp_path) == "JSON_VALUE(line, '$.price')"


def test_a_view_whose_head_names_options_has_them_filled_in(tmp_path: Path) -> None:
    (tmp_path / "views").mkdir()
    (tmp_path / "views" / "v.sql").write_text("-- Options: bound\nSELECT ${bound}")
    assert statement("views/v", {"bound": "5"}, tmp_path).endswith("SELECT 5")
    with pytest.raises(MissingOption, match="sql/views/v.sql needs the option 'bound', which has no value"):
        statement("views/v", {}, tmp_path)


@pytest.mark.parametrize("path", [p for p in FILES if p.parent.name == "views"], ids=lambda path: path.stem)
def test_the_head_of_a_view_names_the_options_that_it_carries(path: Path) -> None:
    head, _, body = path.read_text().partition("\nCREATE ")
    used = set(re.findall(r"\$\{(\w+)\}", body))
    (listed,) = re.findall(r"^-- Options: (.*)", head, re.MULTILINE) or [""]
    assert used == set(re.findall(r"\w+", listed))


@pytest.mark.parametrize("path", [*FILES, ROOT / "init-db.sql"], ids=lambda path: path.stem)
def test_lines_have_at_most_120_characters(path: Path) -> None:
    assert max(map(len, path.read_text().splitlines())) <= 120


def test_a_dsn_becomes_a_jdbc_url_with_its_login_and_its_tls() -> None:
    lines = database(SETTINGS.postgres_dsn.get_secret_value()).split(",\n  ")
    assert lines == [
        "'url' = 'jdbc:postgresql://db:5433/books?stringtype=unspecified&sslmode=require'",
        "'username' = 'writer'",
        "'password' = 'it''s'",
    ]


def test_quotes_in_client_options_are_doubled() -> None:
    assert properties({"sasl.jaas.config": "x='y'"}) == "'properties.sasl.jaas.config' = 'x=''y'''"
