"""Transactions of the jobs at the broker: names, limits, and what a submission refuses."""

import re

import pytest

from core.resources import ROOT
from core.settings import Settings
from jobs import transactions
from jobs.connectors import sql_options
from jobs.submit import JOBS, SubmitError, new_run_id, start
from jobs.transactions import PREFIXES, require_known
from stack.services.kafka import server_properties
from stack.services.settings import TRANSACTION_TIMEOUT_S, StackSettings

DAY_S = 86_400


def test_every_job_lists_the_prefixes_of_its_sinks() -> None:
    sinks = "".join(path.read_text() for path in (ROOT / "sql" / "sinks").glob("*.sql"))
    found = {prefix for text in re.findall(r"\$\{prefix\}(depthflow-[^']+)\$\{run\}'", sinks) for prefix in [text]}
    found = found - {"depthflow-${job}"} | {"depthflow-books", "depthflow-options", "depthflow-alerts"}
    assert PREFIXES.keys() == JOBS.keys() and found == {prefix for each in PREFIXES.values() for prefix in each}


def test_state_that_the_broker_has_forgotten_is_refused_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Flink would restart for ever with an InvalidPidMappingException."""
    monkeypatch.setattr(transactions, "_expiration_s", lambda _: DAY_S)
    with pytest.raises(SubmitError, match=r"26.0 h old, but the broker forgets transactions after 24.0 h .*--fresh"):
        require_known(Settings(), "books", 26 * 3600)
    require_known(Settings(), "books", DAY_S - 1)
    require_known(Settings(), "cache", 26 * 3600)  # has no transactions
    monkeypatch.setattr(transactions, "_expiration_s", lambda _: None)
    require_known(Settings(), "books", 26 * 3600)


def test_each_submission_has_transactional_ids_of_its_own() -> None:
    assert new_run_id(36.0) == "10" and new_run_id(1_764_000_000) != new_run_id(1_764_000_001)
    assert re.fullmatch(r"[a-z0-9]+", new_run_id(1_764_000_000))
    assert re.fullmatch(r"[a-z0-9]{6,}\n", start(["sh", "-c", "echo $RUN_ID"], Settings(_env_file=None)))
    options = sql_options(Settings(_env_file=None, run_id="t4xyz"), "books")
    assert options["run"] == "-t4xyz" and sql_options(Settings(_env_file=None), "books")["run"] == ""


def test_the_local_broker_remembers_transactions_longer_than_they_may_last() -> None:
    broker = {name: int(value) for name, value in server_properties(StackSettings()).items() if value.isdigit()}
    timeout_ms = 1000 * TRANSACTION_TIMEOUT_S
    assert 20 * 60_000 < timeout_ms <= broker["transaction.max.timeout.ms"] < broker["transactional.id.expiration.ms"]
    options = sql_options(Settings(_env_file=None, transaction_timeout_s=TRANSACTION_TIMEOUT_S), "books")
    assert f"'properties.transaction.timeout.ms' = '{timeout_ms}'" in options["producer"]
