"""Troubles of an observed stack. A block under a trouble has it; the end of the block ends it."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from stack.services.supervisor import Supervisor
from tests.deploy.observed import KEY, Observed
from tests.stack_processes import kill, running_pid

Trouble = Callable[[Observed], AbstractContextManager[None]]


def _signalled(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def _stopped(observed: Observed, name: str) -> Iterator[None]:
    """A program that the supervisor stops, and starts again."""
    supervisor = Supervisor(observed.home)
    supervisor.stop_program(name)
    try:
        yield
    finally:
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
def no_redis(observed: Observed) -> Iterator[None]:
    yield from _stopped(observed, "valkey")


@contextmanager
def no_database(observed: Observed) -> Iterator[None]:
    yield from _stopped(observed, "postgres")


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
