"""Every step of both images by hand, and the compose file's Flink from the result: a job reads and writes records.

Takes minutes: the packages are downloaded as in a build.
"""

import os
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from core.certificates import pip_environment
from core.resources import ROOT
from core.settings import Settings
from jobs.submit import FlinkCluster
from reader.topic_admin import open_consumer, partition_offsets
from stack.services import lifecycle
from stack.services.credentials import load_credentials
from stack.services.java import find_java
from stack.services.progress import Progress
from tests.conftest import USERS_PATH, Stack, free_ports, remove_stack, stack_settings
from tests.deploy import compose_file
from tests.deploy.dockerfiles import IMAGES, Scratch, stages
from tests.deploy.test_images import official_image
from tests.jobs.isolated_system import IsolatedSystem, wait_until
from tests.soak import soak

pytestmark = [
    soak,
    pytest.mark.timeout(1800),
]
COMPOSE = compose_file.loaded(compose_file.raw())["services"]
# The S3 plugin is part of Flink's image, not of the Python package: another jar of the package stands for it.
ARGUMENTS = {"ENABLE_BUILT_IN_PLUGINS": "flink-sql-client-2.2.1.jar"}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """In place of the session's stack one with a single TaskManager: its Flink has nothing to do here."""
    home = tmp_path_factory.mktemp("stack") / "home"
    settings = stack_settings(home).model_copy(update={"flink_taskmanagers": 1})
    with ExitStack() as cleanup:
        cleanup.callback(remove_stack, settings)
        lifecycle.up(settings, Progress())
        credentials = load_credentials(settings)
        yield Stack(
            settings, settings.kafka_bootstrap, credentials.postgres_dsn(settings), credentials.redis_url(settings)
        )


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The build context of `make build STACK=compose`: the files that the images take."""
    folder = tmp_path_factory.mktemp("context")
    shutil.copytree(IMAGES, folder / "deploy" / "images")
    shutil.copy2(ROOT / "requirements.lock", folder)
    wheel = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--wheel-dir",
        str(folder / "dist"),
        str(ROOT),
    ]
    subprocess.run(wheel, check=True, env=pip_environment())
    subprocess.run([sys.executable, "-m", "stack.services.flink_image", "jars", folder / "dist" / "jars"], check=True)
    return folder


def build(name: str, folder: Path, context: Path, sources: dict[str, Path]) -> Path:
    """The root of an image. Both stages share it, and a virtual environment stands for the base image's Python."""
    venv.create(folder / "base", with_pip=True, symlinks=True)
    root = folder / "root"
    root.mkdir()
    scratch = Scratch(root, [root / "opt" / "venv" / "bin", folder / "base" / "bin"])
    parsed = {stage.name: stage for stage in stages((IMAGES / f"{name}.Dockerfile").read_text())}
    for stage in ("packages", ""):
        scratch.run(parsed[stage], {"": context, "packages": root} | sources, ARGUMENTS)
    return root


@pytest.fixture(scope="module")
def flink(context: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root of the jobs' image."""
    folder = tmp_path_factory.mktemp("flink")
    official = official_image(folder / "official")
    return build("flink", folder, context, {"flink": official})


def test_the_image_of_the_processes_has_their_commands_and_no_flink(context: Path, tmp_path: Path) -> None:
    root = build("depthflow", tmp_path, context, {})
    for command in ("forward", "serve", "dashboard", "notify", "simulate", "topics"):
        subprocess.run([root / "opt" / "venv" / "bin" / "depthflow", command, "--help"], check=True, cwd="/")
    python = root / "opt" / "venv" / "bin" / "python"
    assert subprocess.run([python, "-c", "import pyflink"], cwd="/", capture_output=True).returncode == 1


class Cluster:
    """Flink's services of the compose file from an image's root, on free ports of this machine."""

    def __init__(self, root: Path, folder: Path, running: ExitStack) -> None:
        self.root, self.folder, self._running = root, folder, running
        self.rest, rpc, self.zookeeper, *self.metrics = free_ports(5)
        (folder / "conf").mkdir()
        zoo = (ROOT / "deploy" / "compose" / "zoo.cfg").read_text()
        zoo = zoo.replace("/zookeeper", str(root / "zookeeper")).replace("2181", str(self.zookeeper))
        (folder / "conf" / "zoo.cfg").write_text(zoo)
        self._replaced = (
            ("/opt/", f"{root}/opt/"),
            ("/state/", f"{root}/state/"),
            ("/conf/zoo.cfg", str(folder / "conf" / "zoo.cfg")),
            ("zookeeper:2181", f"127.0.0.1:{self.zookeeper}"),
            ("address=jobmanager", "address=127.0.0.1"),
            ("/tmp/zookeeper.log", str(folder / "zookeeper.log")),
        )
        own = {"rest.port": self.rest, "jobmanager.rpc.port": rpc, "high-availability.jobmanager.port": rpc}
        own |= {"blob.server.port": 0, "metrics.reporter.prom.port": self.metrics[0]}
        tasks = {"metrics.reporter.prom.port": self.metrics[1], "taskmanager.host": "127.0.0.1"}
        self._options = {"jobmanager": own, "taskmanager": tasks, "zookeeper": {}}

    @property
    def environment(self) -> dict[str, str]:
        java = find_java().home
        path = f"{self.root}/opt/venv/bin:{self.root}/opt/flink/bin:{java}/bin:{USERS_PATH}"
        own = {"FLINK_HOME": f"{self.root}/opt/flink", "JAVA_HOME": str(java), "PATH": path, "TZ": "UTC"}
        own |= {"FLINK_LOG_DIR": str(self.folder), "FLINK_PID_DIR": str(self.folder)}
        return {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | own

    def start(self, service: str) -> subprocess.Popen[bytes]:
        command = self._local(COMPOSE[service]["command"])
        command += [f"-D{key}={value}" for key, value in self._options[service].items()]
        with open(self.folder / f"{service}.out", "ab") as log:
            given = self.environment | COMPOSE[service].get("environment", {})
            process = subprocess.Popen(command, env=given, cwd=self.folder, stdout=log, stderr=log)
        self._running.callback(process.wait)
        self._running.callback(process.terminate)
        return process

    def _local(self, command: list[str]) -> list[str]:
        for old, new in self._replaced:
            command = [part.replace(old, new) for part in command]
        return command

    def healthy(self, service: str) -> bool:
        ports = {"jobmanager": ("8081", self.rest), "taskmanager": ("9250", self.metrics[1])}
        ports["zookeeper"] = ("2181", self.zookeeper)
        old, new = ports[service]
        command = [part.replace(old, str(new)) for part in COMPOSE[service]["healthcheck"]["test"][1:]]
        return subprocess.run(command, capture_output=True).returncode == 0

    def wait_healthy(self, service: str) -> None:
        wait_until(lambda: self.healthy(service), f"{service}: {self.folder}")


@pytest.fixture
def cluster(flink: Path, tmp_path: Path) -> Iterator[Cluster]:
    with ExitStack() as running:
        cluster = Cluster(flink, tmp_path, running)
        for folder in ("state/jobs", "state/ha", "zookeeper"):
            (flink / folder).mkdir(parents=True, exist_ok=True)
        yield cluster


def records(settings: Settings, topic: str) -> int:
    with open_consumer(settings) as consumer:
        return sum(each.end - each.begin for each in partition_offsets(consumer, settings.topic_prefix + topic))


def test_a_job_of_the_image_processes_records_and_survives_its_jobmanager(stack: Stack, cluster: Cluster) -> None:
    began = time.time()
    cluster.start("zookeeper")
    cluster.wait_healthy("zookeeper")
    jobmanager = cluster.start("jobmanager")
    cluster.wait_healthy("jobmanager")
    cluster.start("taskmanager")
    cluster.wait_healthy("taskmanager")
    local = {
        "flink_home": cluster.root / "opt" / "flink",
        "flink_rest_url": f"http://127.0.0.1:{cluster.rest}",
        "flink_state_url": (cluster.root / "state" / "jobs").as_uri(),
    }
    settings = IsolatedSystem(stack, "image.", **local).settings
    shell, option, script = COMPOSE["jobs"]["command"]
    script = script.replace("$(python -c 'from jobs.submit import JOBS; print(*JOBS)')", "books")
    environment = cluster.environment | settings.environment()
    assert COMPOSE["jobs"]["restart"] == "on-failure", "a TaskManager is healthy before its slot is registered"
    submit = [shell, option, script]
    wait_until(lambda: subprocess.run(submit, env=environment, cwd="/").returncode == 0, "the submission of the jobs")
    replay = [str(cluster.root / "opt" / "venv" / "bin" / "depthflow"), "replay", "--seconds", "2"]
    subprocess.run(replay, env=environment, cwd="/", check=True)
    wait_until(lambda: records(settings, "orderbook.processed") > 0, "processed records")
    jobmanager.kill()
    jobmanager.wait()
    before = records(settings, "orderbook.processed")
    cluster.start("jobmanager")
    wait_until(lambda: cluster.healthy("jobmanager") and running(settings), "the job after a restart")
    subprocess.run(replay, env=environment, cwd="/", check=True)
    wait_until(lambda: records(settings, "orderbook.processed") > before, "processed records after the restart")
    written = [file for file in (cluster.root / "opt").rglob("*") if file.lstat().st_mtime > began]
    assert written == [], "the root file system of the image is read-only"


def running(settings: Settings) -> bool:
    cluster = FlinkCluster.of(settings)
    jobs = cluster.get("/jobs/overview")["jobs"]
    return any(job["name"] == "image.books" and job["state"] == "RUNNING" for job in jobs)
