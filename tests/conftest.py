"""The stack for tests: one for the whole session, on free ports, in a folder of its own."""

import os
import shutil
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from random import SystemRandom

import hypothesis
import pytest

from stack.services.credentials import OWNER, load_credentials
from stack.services.logs import log_tail
from stack.services.progress import Progress
from stack.services.settings import StackSettings
from tests.log_search import SEARCH

KINDS = ("embedded", "containers")
UNASSIGNED_PORTS = range(10_000, 32_000)  # below the ports that kernels assign to sockets without a port
LOGS = pytest.StashKey[StackSettings]()
OWN_STACK = "observed"  # fixture of a module with a stack of its own
# For the JVMs of the stack and of PyFlink: tests end before the optimising compiler pays off.
os.environ["JAVA_TOOL_OPTIONS"] = "-XX:TieredStopAtLevel=1"
USERS_PATH = os.environ["PATH"]
# A stack that runs in the checkout is not the tests' stack, which commands are given by `Stack.environment`.
os.environ["DEPTHFLOW_HOME"] = "/nowhere/depthflow"
# Thread mode runs the first Python on the PATH of PyFlink's JVM, which is started by the first test that needs one.
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{USERS_PATH}"
ENVIRONMENT = dict(os.environ)
# On a shared machine a deadline would measure the load of other processes.
hypothesis.settings.register_profile("depthflow", deadline=None)
hypothesis.settings.load_profile("depthflow")


@dataclass(frozen=True)
class Stack:
    """Addresses of the stack. With `--stack containers` only Flink is the embedded one."""

    settings: StackSettings
    kafka: str
    postgres_dsn: str  # the owner's
    redis_url: str

    @property
    def home(self) -> Path:
        return self.settings.home

    @property
    def flink_url(self) -> str:
        return self.settings.flink_url

    @property
    def flink_home(self) -> Path:
        return self.settings.home / "flink"

    @property
    def state_url(self) -> str:
        return (self.settings.home / "checkpoints").as_uri()

    @property
    def environment(self) -> dict[str, str]:
        """Environment of a command that uses this stack."""
        settings = {name.upper(): str(value) for name, value in self.settings if name != "home"}
        return os.environ | settings | {"DEPTHFLOW_HOME": str(self.home), "PATH": USERS_PATH}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--stack", choices=KINDS, default=KINDS[0], help="source of Kafka, PostgreSQL and Redis")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of the stack, and begin with those that have a stack of their own, which ends with them.

    The first stack that ends writes the class archives with which all later processes start in half the time. And it
    never runs beside the shared one, which then starts after it.
    """
    for item in items:
        if "stack" in getattr(item, "fixturenames", ()):
            item.add_marker("stack")
    items.sort(key=lambda item: OWN_STACK not in getattr(item, "fixturenames", ()))


def restore_environment() -> None:
    """Undo changes of the environment.

    PyFlink's gateway and its in-process workers write their own Flink into the environment. A program that a later
    test starts would use that one, and submit jobs without the cluster's configuration.
    """
    for name in os.environ.keys() - ENVIRONMENT.keys() - {"PYTEST_CURRENT_TEST"}:
        del os.environ[name]
    os.environ.update(ENVIRONMENT)


@pytest.fixture(autouse=True, scope="module")
def restored_environment_of_a_module() -> None:
    restore_environment()


@pytest.fixture(autouse=True)
def restored_environment_of_a_test() -> None:
    restore_environment()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    settings = item.config.stash.get(LOGS, None)
    if report.failed and settings and "stack" in getattr(item, "fixturenames", ()):
        for name in ("kafka", "jobmanager", *settings.taskmanagers, "postgres"):
            report.sections.append((f"end of {name}.log", log_tail(settings.home, name)))
    return report


def free_ports(count: int) -> list[int]:
    """Different ports that no process uses. The kernel assigns them to no other socket before they are used."""
    found: list[int] = []
    with ExitStack() as bound:
        while len(found) < count:
            port = SystemRandom().choice(UNASSIGNED_PORTS)
            with suppress(OSError):
                bound.enter_context(socket.socket()).bind(("127.0.0.1", port))
                found.append(port)
    return found


def stack_settings(home: Path) -> StackSettings:
    """Settings of a stack on free ports."""
    names = ("kafka", "kafka_controller", "postgres", "redis", "flink", "flink_rpc", "zookeeper", "flink_gateway")
    names = (*names, "serve", "serve_socket", "dashboard")
    ports = {f"{name}_port": port for name, port in zip(names, free_ports(len(names)), strict=True)}
    return StackSettings(depthflow_home=home, **ports)


@pytest.fixture(autouse=True, scope="session")
def logs_without_secrets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No log that this session leaves has a password, a key or a token. Set up first, so that it ends last."""
    with SEARCH.recording():
        yield
    SEARCH.below(tmp_path_factory.getbasetemp())
    if SEARCH.found:
        pytest.fail(f"secrets in logs of this session:\n{SEARCH.report()}", pytrace=False)


def remove_stack(settings: StackSettings) -> None:
    """Stop a stack, search its logs for secrets, and remove its folder."""
    from stack.services import lifecycle

    lifecycle.down(settings)
    SEARCH.below(settings.home)
    lifecycle.down(settings, wipe=True)


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The running stack. It is stopped, and its folder removed, when the session ends."""
    from stack.services import lifecycle

    if request.config.getoption("--stack") == "containers" and not shutil.which("docker"):
        pytest.skip("--stack containers needs a Docker engine")
    settings = stack_settings(tmp_path_factory.mktemp("stack") / "home")
    request.config.stash[LOGS] = settings
    with ExitStack() as cleanup:
        cleanup.callback(remove_stack, settings)
        lifecycle.up(settings, Progress())
        credentials = load_credentials(settings)
        found = Stack(
            settings,
            settings.kafka_bootstrap,
            credentials.postgres_dsn(settings, OWNER),
            credentials.redis_url(settings),
        )
        if request.config.getoption("--stack") == "containers":
            from tests.containers import start_containers

            found = replace(found, **cleanup.enter_context(start_containers()))
        yield found
