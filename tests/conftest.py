"""The stack that tests run against: one for the whole session, on free ports, in a folder of its own."""

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

from stack.credentials import OWNER, load_credentials
from stack.processes import log_tail
from stack.report import Reporter
from stack.settings import StackSettings

KINDS = ("embedded", "containers")
NEVER_GIVEN = range(10_000, 32_000)  # below the ports that kernels give to whoever asks for any
LOGS = pytest.StashKey[StackSettings]()
# Of every JVM, the stack's and PyFlink's: what they do here is over before the better compiler pays.
os.environ["JAVA_TOOL_OPTIONS"] = "-XX:TieredStopAtLevel=1"
USERS_PATH = os.environ["PATH"]
# Thread mode asks the first python on the path of PyFlink's JVM, which whatever test comes first starts.
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{USERS_PATH}"
ENVIRONMENT = dict(os.environ)
# A deadline measures the neighbours on a shared machine.
hypothesis.settings.register_profile("depthflow", deadline=None)
hypothesis.settings.load_profile("depthflow")


@dataclass(frozen=True)
class Stack:
    """Where everything is. With containers Kafka, PostgreSQL and Redis are theirs, and Flink is the embedded one."""

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
        """The environment of a command that is to find this stack, and to agree with its settings."""
        settings = {name.upper(): str(value) for name, value in self.settings if name != "home"}
        return os.environ | settings | {"DEPTHFLOW_HOME": str(self.home), "PATH": USERS_PATH}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--stack", choices=KINDS, default=KINDS[0], help="where Kafka, PostgreSQL and Redis come from")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "stack" in getattr(item, "fixturenames", ()):
            item.add_marker("stack")


def environment_of_the_session() -> None:
    """PyFlink's gateway and its workers within this process write into the environment which Flink is theirs.

    A later test's program would take it for the user's, and submit jobs without the cluster's configuration.
    """
    for name in os.environ.keys() - ENVIRONMENT.keys() - {"PYTEST_CURRENT_TEST"}:
        del os.environ[name]
    os.environ.update(ENVIRONMENT)


@pytest.fixture(autouse=True, scope="module")
def environment_of_a_module() -> None:
    environment_of_the_session()


@pytest.fixture(autouse=True)
def environment_of_a_test() -> None:
    environment_of_the_session()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    settings = item.config.stash.get(LOGS, None)
    if report.failed and settings and "stack" in getattr(item, "fixturenames", ()):
        for name in ("kafka", "jobmanager", *settings.taskmanagers, "postgres"):
            report.sections.append((f"end of {name}.log", log_tail(settings.home, name)))
    return report


def free_ports(count: int) -> list[int]:
    """Ports that nobody holds, all different. The kernel gives them to nobody, before they are used or between."""
    found: list[int] = []
    with ExitStack() as held:
        while len(found) < count:
            port = SystemRandom().choice(NEVER_GIVEN)
            with suppress(OSError):
                held.enter_context(socket.socket()).bind(("127.0.0.1", port))
                found.append(port)
    return found


def stack_settings(home: Path) -> StackSettings:
    """Settings of a stack on free ports."""
    names = ("kafka", "kafka_controller", "postgres", "redis", "flink", "flink_rpc", "flink_gateway")
    ports = {f"{name}_port": port for name, port in zip(names, free_ports(len(names)), strict=True)}
    return StackSettings(depthflow_home=home, **ports)


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The running stack. It is taken down, and its folder removed, when the session ends."""
    from stack import lifecycle

    if request.config.getoption("--stack") == "containers" and not shutil.which("docker"):
        pytest.skip("--stack containers needs a Docker engine")
    settings = stack_settings(tmp_path_factory.mktemp("stack") / "home")
    request.config.stash[LOGS] = settings
    with ExitStack() as ending:
        ending.callback(lifecycle.down, settings, wipe=True)
        lifecycle.up(settings, Reporter())
        credentials = load_credentials(settings)
        found = Stack(
            settings,
            settings.kafka_bootstrap,
            credentials.postgres_dsn(settings, OWNER),
            credentials.redis_url(settings),
        )
        if request.config.getoption("--stack") == "containers":
            from tests.containers import start_containers

            found = replace(found, **ending.enter_context(start_containers()))
        yield found
