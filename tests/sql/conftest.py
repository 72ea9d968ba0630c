"""Fixtures of the tests of `sql/` and of the schema, each started once per session."""

from collections.abc import Iterator

import pytest

from tests.database import Database, running_database


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with running_database(tmp_path_factory.mktemp("postgres")) as running:
        yield running
