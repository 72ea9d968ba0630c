"""Passwords of the local stack: rotation, and what its programs get."""

import shutil
from pathlib import Path

import psycopg
import pytest

from stack.services import dashboard, postgres, rest_gateway
from stack.services.credentials import (
    DATABASE,
    ROLES,
    credentials_file,
    load_credentials,
    require_passwords,
    write_environment,
)
from stack.services.errors import StackError
from stack.services.settings import StackSettings
from tests.conftest import free_ports
from tests.database import serving


def forget(path: Path, name: str) -> None:
    """Remove the line of one password, as docs/operations.md says."""
    lines = path.read_text().splitlines()
    kept = [line for line in lines if not line.startswith(f"{name}=")]
    assert len(kept) == len(lines) - 1
    path.write_text("\n".join(kept))


def test_every_password_of_the_database_can_be_rotated(tmp_path: Path) -> None:
    settings = StackSettings(depthflow_home=tmp_path, postgres_port=free_ports(1)[0])
    first = load_credentials(settings)
    write_environment(settings, first, {})
    try:
        with serving(settings, first) as database:
            postgres.apply_schema(settings, first)
        for name in ROLES.values():
            forget(credentials_file(tmp_path), name)
        second = load_credentials(settings)
        with serving(settings, second) as database:
            postgres.apply_schema(settings, second)
            for role, name in ROLES.items():
                psycopg.connect(database.dsn(DATABASE, role)).close()
                assert second.passwords[name] != first.passwords[name]
                with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
                    psycopg.connect(first.postgres_dsn(settings, role))
    finally:
        shutil.rmtree(postgres.shared_folder(settings), ignore_errors=True)


def test_a_running_stack_gets_no_new_password(tmp_path: Path) -> None:
    settings = StackSettings(depthflow_home=tmp_path)
    write_environment(settings, load_credentials(settings), {})
    require_passwords(settings)
    forget(credentials_file(tmp_path), "REDIS_PASSWORD")
    with pytest.raises(StackError) as error:
        require_passwords(settings)
    assert str(error.value) == (
        f"{credentials_file(tmp_path)} lacks REDIS_PASSWORD, and the stack runs with the old value. "
        "`depthflow down`, then `depthflow up` sets a new one"
    )


def test_programs_read_secrets_from_the_stacks_file_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shell may have read an older file."""
    settings = StackSettings(depthflow_home=tmp_path)
    write_environment(settings, load_credentials(settings), {})
    for name in ("JWT_SECRET", "GATEWAY_PASSWORD", "READER_POSTGRES_DSN", "ACCOUNTS_POSTGRES_DSN", "REDIS_URL"):
        monkeypatch.setenv(name, "old")
    monkeypatch.setenv("REPLAY_MAX_SPAN_S", "60")
    monkeypatch.setenv("DASHBOARD_GATEWAY_URL", "http://other")
    served, shown = rest_gateway.program(settings).environment, dashboard.program(settings).environment
    assert "old" not in {*served.values(), *shown.values()}
    assert (served["REPLAY_MAX_SPAN_S"], shown["DASHBOARD_GATEWAY_URL"]) == ("60", "http://other")
