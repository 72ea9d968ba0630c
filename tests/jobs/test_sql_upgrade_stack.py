"""Upgrade of the SQL job: a change that keeps its sources, and one that does not: taken back, or made on purpose."""

import json
import shutil
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from jobs import submit as submission
from jobs import upgrade as upgrading
from jobs.cli import app
from jobs.sql_files import SQL
from jobs.submit import JOBS, cancel
from jobs.upgrade import UpgradeError
from stack.cli.upgrade import submit
from tests.conftest import Stack
from tests.jobs.isolated_system import IsolatedSystem, wait_until
from tests.soak import soak

pytestmark = [soak, pytest.mark.timeout(1500)]  # five starts of the job with the most operators
JOB, SYMBOL = "analytics", "UP/GRADE"
MARK = 1_000_000
ROWS = f"SELECT window_start, updates FROM orderbook_windows WHERE symbol = '{SYMBOL}' ORDER BY window_start"
NEW_VERSION = """
from pathlib import Path
import jobs.analytics, jobs.sql_files

jobs.sql_files.SQL = Path({folder!r})
jobs.analytics.main()
"""


def changed(folder: Path, *changes: tuple[str, str, str]) -> str:
    """The script of a job whose SQL has these changes: file, old text, new text."""
    shutil.copytree(SQL, folder / "sql")
    for name, old, new in changes:
        file = folder / "sql" / name
        text = file.read_text()
        assert old in text, f"{old!r} is not in {name}"
        file.write_text(text.replace(old, new))
    script = folder / "analytics.py"
    script.write_text(NEW_VERSION.format(folder=str(folder / "sql")))
    return str(script)


def window(number: int) -> tuple[str, str, bytes]:
    start = 60_000 * number
    record = {"venue": "kraken", "symbol": SYMBOL, "size": "1m", "window_start": start, "window_end": start + 60_000}
    return "orderbook.windows", f"kraken:{SYMBOL}", json.dumps(record | {"updates": number, "out_of_sync": 0}).encode()


def command(*arguments: str) -> None:
    """Run a command of depthflow with the jobs of this process."""
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, (done.output, done.exception)


class Upgrades:
    """The running job, which other versions take over."""

    def __init__(self, system: IsolatedSystem, versions: pytest.MonkeyPatch) -> None:
        self._system, self._versions = system, versions

    def to(self, script: str) -> str:
        """Upgrade to a version and return the savepoint. One that does not come up gives way to the earlier one."""
        cluster, earlier = self._system.cluster, JOBS[JOB]

        def start(script: str, savepoint: str) -> None:
            self._versions.setitem(JOBS, JOB, script)
            submit(self._system.settings, JOB, savepoint, 1)

        return upgrading.upgrade(
            lambda: submission.stop(cluster, JOB),
            lambda savepoint: start(script, savepoint),
            lambda: upgrading.wait_up(cluster, JOB),
            lambda savepoint: start(earlier, savepoint),
        )

    def restored(self) -> str:
        """State from which the job was restored."""
        (job,) = self._system.cluster.running(JOB)
        checkpoints = self._system.cluster.get(f"/jobs/{job}/checkpoints")
        return str(checkpoints["latest"]["restored"]["external_path"])


def test_an_insert_may_change_and_a_source_may_not(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = IsolatedSystem(stack, "sqlupgrade.")
    may = changed(tmp_path / "may", ("inserts/orderbook_windows.sql", "  updates,", f"  updates + {MARK},"))
    names = ("views/checked_windows.sql", "sources/window_records.sql")
    may_not = changed(tmp_path / "may_not", *((name, "window_records", "closed_windows") for name in names))
    upgrades = Upgrades(system, monkeypatch)

    def rows() -> list[int]:
        with psycopg.connect(stack.postgres_dsn) as connection:
            return [row[1] for row in connection.execute(ROWS)]

    def stored(*updates: int) -> bool:
        return rows() == list(updates)

    submission.run(submission.run_command(system.cluster, JOB, [], None), system.settings)
    try:
        system.send([window(1)])
        wait_until(lambda: stored(1), "a row of the first version")
        assert upgrades.to(may) == upgrades.restored()
        system.send([window(2)])
        wait_until(lambda: stored(1, MARK + 2), "a row of the new version, and none of the first one again")
        with pytest.raises(
            UpgradeError, match="(?s)no longer reads window_records.*--allow-non-restored.*runs as before"
        ):
            upgrades.to(may_not)
        system.send([window(3)])
        wait_until(lambda: stored(1, MARK + 2, MARK + 3), "a row of the version that was taken back")
        for name, value in system.settings.environment().items():
            monkeypatch.setenv(name, value)
        command("stop", JOB)
        monkeypatch.setitem(JOBS, JOB, may_not)
        command("submit", JOB, "--allow-non-restored-state")
        system.send([window(4)])
        # The group's offsets may lie before the newest rows, which the version without the mark then writes again.
        wait_until(lambda: rows()[3:] == [4], "a row of the new source")
        assert [number % MARK for number in rows()] == [1, 2, 3, 4]
    finally:
        cancel(system.cluster, JOB)
