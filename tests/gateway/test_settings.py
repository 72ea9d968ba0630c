"""Settings of the gateway: secrets are needed, and are no defaults."""

from typing import Any

import pytest
from pydantic import ValidationError

from gateway.api.history import choose_resolution
from gateway.server import allowed_origins
from gateway.settings import GatewaySettings
from stack.cli.main import main

GIVEN = {
    "jwt_secret": "s" * 32,
    "reader_postgres_dsn": "postgresql://reader@127.0.0.1/depthflow",
    "accounts_postgres_dsn": "postgresql://accounts@127.0.0.1/depthflow",
}


def settings(**given: Any) -> GatewaySettings:
    return GatewaySettings(_env_file=None, **{**GIVEN, **given})


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(ValidationError, match="expected at least 32 bytes"):
        settings(jwt_secret="s" * 31)


@pytest.mark.parametrize("missing", GIVEN)
def test_a_start_without_a_secret_is_refused_by_name(missing: str, monkeypatch: Any, capsys: Any) -> None:
    for name, value in GIVEN.items():
        if name != missing:
            monkeypatch.setenv(name.upper(), value)
    monkeypatch.setattr("sys.argv", ["depthflow", "serve"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert capsys.readouterr().err == f"depthflow: {missing.upper()} is not set. Correct the environment or .env\n"


def test_secrets_are_not_printed() -> None:
    assert "s" * 32 not in repr(settings()) and "reader@" not in repr(settings())


def test_servers_listen_on_loopback_by_default() -> None:
    assert (settings().serve_host, settings().auth, settings().registration) == ("127.0.0.1", "required", "invitation")


def test_pages_of_the_gateway_and_of_allowed_origins_may_connect() -> None:
    found = allowed_origins(settings(allowed_origins="https://desk.example, https://b.example"))
    assert {"http://127.0.0.1:8000", "http://localhost:8000", "https://desk.example", "https://b.example"} <= set(found)


@pytest.mark.parametrize(("seconds", "expected"), [(900, "1s"), (901, "10s"), (86_400, "1m"), (30 * 86_400, "1h")])
def test_the_span_chooses_the_resolution(seconds: int, expected: str) -> None:
    assert choose_resolution(0, 1000 * seconds) == expected
