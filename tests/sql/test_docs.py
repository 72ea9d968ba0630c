"""docs/sql.md against the files of `sql/`."""

import re

from jobs.queries import queries
from jobs.sql_files import SQL, files

PAGE = (SQL.parent / "docs" / "sql.md").read_text()


def named(after: str, before: str) -> list[str]:
    """Names in the first column of the tables between two headings."""
    rows = [line for line in PAGE.partition(after)[2].partition(before)[0].splitlines() if line.startswith("| `")]
    return [name for row in rows for name in re.findall(r"`(\w+)`", row.split(" | ")[0])]


def test_every_query_is_listed() -> None:
    assert named("## Queries", "## Relations") == list(queries())


def test_every_relation_named_in_the_page_exists() -> None:
    assert len(named("## Relations", "## Dashboards")) > 10
    assert set(named("## Relations", "## Dashboards")) <= files().keys()


def test_every_variable_of_grafana_is_listed() -> None:
    provisioned = (SQL.parent / "deploy" / "grafana" / "provisioning").rglob("*.yaml")
    expected = {name for path in provisioned for name in re.findall(r"\$([A-Z_]+)", path.read_text())}
    assert set(named("## Dashboards", "## End")) == expected
