"""What the tests of `sql/` and of the schema share, each started once a session."""

from collections.abc import Iterator

import pytest

from jobs.analytics import ALERT_VIEWS, BOOK_VIEWS, CHAIN_VIEWS, TRADE_VIEWS
from jobs.connectors import alert_defaults
from market.settings import Settings
from tests.database import Database, running_database
from tests.flink import Row, rows_of


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    with running_database(tmp_path_factory.mktemp("postgres")) as running:
        yield running


@pytest.fixture(scope="session")
def alerts(tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    """What one job with every rule says of the rows of both test files of alerts, in the order of event time."""
    from tests.sql import test_alerts as books
    from tests.sql import test_option_alerts as chains

    inputs = {**books.INPUTS, **chains.INPUTS, "alert_rules": books.RULES + chains.RULES}
    relations = ("functions/standing", *BOOK_VIEWS, *TRADE_VIEWS, *CHAIN_VIEWS, *ALERT_VIEWS)
    folder = tmp_path_factory.mktemp("alerts")
    found = rows_of(["alerts"], inputs, relations, folder, **alert_defaults(Settings(_env_file=None)))
    return sorted(found["alerts"], key=lambda row: row["event_time"])
