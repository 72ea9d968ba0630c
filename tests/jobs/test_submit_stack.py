"""State of operators that a job does not have, on the real cluster."""

import pytest

from jobs.submit import StateNotRestored, cancel, run, run_command, stop
from tests.conftest import Stack
from tests.jobs.isolated_system import IsolatedSystem


def test_state_of_unknown_operators_is_refused_unless_dropping_it_is_allowed(stack: Stack) -> None:
    system = IsolatedSystem(stack, "restore.")
    run(run_command(system.cluster, "cache", [], None), system.settings)
    try:
        savepoint = stop(system.cluster, "cache")
        command = run_command(system.cluster, "books", [], savepoint)
        with pytest.raises(StateNotRestored, match="--allow-non-restored-state"):
            run(command, system.settings)
        run(run_command(system.cluster, "books", [], savepoint, allow_non_restored=True), system.settings)
        assert system.cluster.running("books")
    finally:
        for job in ("cache", "books"):
            cancel(system.cluster, job)
