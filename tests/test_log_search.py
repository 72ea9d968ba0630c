"""The search for credentials in logs finds planted ones, and names them without their values."""

import subprocess
import sys
from pathlib import Path
from secrets import token_urlsafe

import pytest

from core.settings import STACK_FILE
from tests.log_search import SEARCH, LogSearch, secrets

SECRET = token_urlsafe(24)


@pytest.fixture
def search() -> LogSearch:
    return LogSearch()


def planted(folder: Path, name: str, text: str) -> LogSearch:
    """The result of a search that knows SECRET, in a folder with this log, which the session's search does not see."""
    log = folder / name
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text(f"a line\n{text}\n")
    search = LogSearch({SECRET: "REDIS_PASSWORD"})
    search.below(folder)
    log.unlink()
    return search


def test_a_secret_of_a_stack_is_found_in_a_log_of_any_process(tmp_path: Path, search: LogSearch) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / STACK_FILE).write_text(f"JWT_SECRET={SECRET}\nSERVE_PORT=8000\n")
    (tmp_path / "other.log").write_text(f"GET /?key={SECRET}")
    search.below(tmp_path)
    (tmp_path / "other.log").unlink()
    assert search.report() == f"{tmp_path / 'other.log'} has JWT_SECRET"


@pytest.mark.parametrize("name", ["gateway.log", "kafka.log.1", "home/logs/flink/jobmanager", "zookeeper.out"])
def test_every_kind_of_log_is_searched(tmp_path: Path, name: str) -> None:
    assert planted(tmp_path, name, f"opened redis://default:{SECRET}@host").found == {
        (str(tmp_path / name), "REDIS_PASSWORD")
    }


@pytest.mark.parametrize("name", ["kafka/topic-0/00000000000000000000.log", "conf/server.properties"])
def test_records_and_configurations_are_not_logs(tmp_path: Path, name: str) -> None:
    assert planted(tmp_path, name, SECRET).searched == 0


def test_tokens_and_hashes_are_found_by_their_form(tmp_path: Path) -> None:
    token = ".".join(("eyJ" + "a" * 20, "eyJ" + "b" * 40, "c" * 43))
    kinds = {kind for text in (token, "$argon2id$v=19$m=1") for _, kind in planted(tmp_path, "x.log", text).found}
    assert kinds == {"an access token", "a password hash"}


def test_secrets_of_started_processes_become_known(search: LogSearch) -> None:
    address = f"postgresql://reader:{SECRET}@localhost/depthflow"
    with search.recording():
        subprocess.run([sys.executable, "-c", ""], env={"READER_POSTGRES_DSN": address})
    subprocess.run([sys.executable, "-c", ""], env={"JWT_SECRET": SECRET[::-1]})
    assert search.known == {SECRET: "READER_POSTGRES_DSN"}


def test_names_tell_which_variables_are_secret() -> None:
    given = {"JWT_SECRET": SECRET, "GATEWAY_USER": "somebody-or-other", "GRAFANA_PASSWORD": "short", "REDIS_URL": None}
    assert secrets(given) == {SECRET: "JWT_SECRET"}


def test_the_session_is_searched() -> None:
    known = {"SESSION_PASSWORD": token_urlsafe(24)}
    subprocess.run([sys.executable, "-c", ""], env=known)
    assert SEARCH.known[known["SESSION_PASSWORD"]] == "SESSION_PASSWORD"
