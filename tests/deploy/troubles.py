"""Troubles of an observed stack. A block under a trouble has it; the end of the block ends it."""

import os
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from urllib.request import urlopen

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from stack.services import flink_rest
from stack.services.supervisor import Supervisor
from tests.deploy.observed import KEY, Observed
from tests.jobs.isolated_system import wait_until
from tests.stack_processes import kill, running_pid

SMALL = {"WINDOW_MB": "0.1", "QUEUE_MB": "0.1", "SPILL_MB": "0.2"}  # full within a minute without the broker
Trouble = Callable[[Observed], AbstractContextManager[None]]


def _signalled(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def _stopped(observed: Observed, *names: str) -> Iterator[None]:
    """Programs that the supervisor stops, one after another, and starts in the reverse order."""
    supervisor = Supervisor(observed.home)
    for name in names:
        supervisor.stop_program(name)
    try:
        yield
    finally:
        for name in reversed(names):
            supervisor.start_program(name)


@contextmanager
def no_forwarder(observed: Observed) -> Iterator[None]:
    """The forwarder is killed."""
    observed.kill("forwarder")
    try:
        yield
    finally:
        observed.start_forwarder()


@contextmanager
def unreadable_record(observed: Observed) -> Iterator[None]:
    """A raw record that is no JSON. It is over as soon as it is written."""
    observed.send("orderbook.raw", KEY, b"{")
    yield


@contextmanager
def unstorable_record(observed: Observed) -> Iterator[None]:
    """A window without a field. It is over as soon as it is written."""
    observed.send("orderbook.windows", KEY, b"{}")
    yield


@contextmanager
def no_redis(observed: Observed) -> Iterator[None]:
    yield from _stopped(observed, "valkey")


@contextmanager
def no_database(observed: Observed) -> Iterator[None]:
    yield from _stopped(observed, "postgres")


@contextmanager
def no_broker_and_no_flink(observed: Observed) -> Iterator[None]:
    """At the end of the block the broker responds, and the jobs run again."""
    try:
        yield from _stopped(observed, "jobmanager", "kafka")
    finally:
        wait_until(lambda: _broker_responds(observed), "the broker")
        wait_until(lambda: _jobs_run(observed), "every job to run", 240)


def _broker_responds(observed: Observed) -> bool:
    try:
        return bool(
            AdminClient({"bootstrap.servers": observed.settings.kafka_bootstrap}).list_topics(timeout=5).brokers
        )
    except KafkaException:
        return False


def _jobs_run(observed: Observed) -> bool:
    try:
        jobs = flink_rest.jobs(observed.settings)
    except OSError:
        return False
    return bool(jobs) and all(job.state == "RUNNING" and not job.waits_for for job in jobs)


@contextmanager
def small_buffers(observed: Observed) -> Iterator[None]:
    """The forwarder can keep the frames of less than a minute."""
    _restart_forwarder(observed, SMALL)
    try:
        yield
    finally:
        _restart_forwarder(observed, {})


def _restart_forwarder(observed: Observed, environment: dict[str, str]) -> None:
    observed.end("forwarder")
    observed.start_forwarder(**environment)
    wait_until(lambda: _forwarder_is_connected(observed), "a connected forwarder")


def _forwarder_is_connected(observed: Observed) -> bool:
    """By the process itself: for some seconds Prometheus has the value of the one before it."""
    try:
        with urlopen(f"http://127.0.0.1:{observed.metrics_port}/metrics", timeout=10) as response:
            return re.search(rb"^websocket_connected\{.*\} 1", response.read(), re.MULTILINE) is not None
    except OSError:
        return False


@contextmanager
def hanging_gateway(observed: Observed) -> Iterator[None]:
    yield from _signalled(running_pid(observed.home, "gateway"))


@contextmanager
def hanging_exchange(observed: Observed) -> Iterator[None]:
    """The exchange sends nothing on its connections and accepts no new ones."""
    yield from _signalled(observed.processes["simulate"].pid)


@contextmanager
def killed_taskmanagers(observed: Observed) -> Iterator[None]:
    """Every TaskManager is killed once. The supervisor starts them again."""
    for name in observed.settings.taskmanagers:
        kill(observed.home, name)
    yield


@contextmanager
def no_place_for_checkpoints(observed: Observed) -> Iterator[None]:
    folder = observed.home / "checkpoints"
    aside = folder.with_name("aside")
    folder.rename(aside)
    folder.write_text("in the way of the folder")
    try:
        yield
    finally:
        folder.unlink()
        aside.rename(folder)
