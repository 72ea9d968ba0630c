"""The supervisord that runs the stack's processes and restarts them, controlled over a Unix socket."""

import hashlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir
from typing import Any
from xmlrpc.client import Fault, ServerProxy

import psutil

from stack.services.errors import StackError
from stack.services.secret_file import write_secret
from stack.services.supervisord_config import Program, render, section

HOME_VARIABLE = "DEPTHFLOW_STACK"  # in the environment of every process of a stack; the value is the stack's folder
NOT_RUNNING, SHUTDOWN_STATE = 70, 6  # faults of supervisord's XML-RPC interface
LAST, LASTS_CLIENT = "zookeeper", "jobmanager"
SOCKET_PATH_LIMIT = 100  # the kernel allows 107 bytes, and supervisord first binds the name with its pid appended


@dataclass(frozen=True)
class Process:
    """State of one program, as supervisord reports it."""

    name: str
    state: str
    pid: int
    started: int  # epoch seconds
    detail: str

    @property
    def up(self) -> bool:
        return self.state in ("RUNNING", "STARTING")


class Supervisor:
    """The supervisord of one stack. It must run, except for `start`, `is_alive`, `process` and `shutdown`."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.socket = socket_path(home)

    def start(self, programs: Iterable[Program], environment: dict[str, str]) -> None:
        """Write the configuration and start supervisord, which starts every program with `autostart` at once."""
        for folder in ("run", "logs", "conf"):
            (self.home / folder).mkdir(parents=True, exist_ok=True)
        # Programs may have secrets in their environment.
        write_secret(self.config, render(self.home, self.socket, list(programs)))
        command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(self.config)]
        inherited = environment | {HOME_VARIABLE: str(self.home)}
        result = subprocess.run(command, env=inherited, capture_output=True, text=True)
        if result.returncode:
            raise StackError(
                "The supervisor does not start", f"See {self.log}", (result.stdout + result.stderr).strip()
            )

    @property
    def config(self) -> Path:
        return self.home / "conf" / "supervisord.conf"

    @property
    def log(self) -> Path:
        return self.home / "logs" / "supervisord.log"

    def is_alive(self) -> bool:
        """True if supervisord responds and is not ending."""
        try:
            return bool(self._call("getPID"))
        except (OSError, Fault):
            return False

    def process(self) -> psutil.Process | None:
        """The process of supervisord, which may be ending; None if it has ended."""
        try:
            process = psutil.Process(int((self.home / "run" / "supervisord.pid").read_text()))
            ours = process.environ().get(HOME_VARIABLE) == str(self.home)
            return process if ours and process.status() != psutil.STATUS_ZOMBIE else None
        except (OSError, ValueError, psutil.Error):
            return None

    def processes(self) -> list[Process]:
        """State of every program that was started at least once, in the order of the configuration."""
        return [
            Process(
                info["name"], info["statename"], info["pid"], info["start"], info["spawnerr"] or info["description"]
            )
            for info in self._call("getAllProcessInfo")
            if info["start"] or info["statename"] != "STOPPED"
        ]

    def is_started(self, name: str) -> bool:
        """True if the program of that name was started at least once."""
        return any(process.name == name for process in self.processes())

    def add(self, program: Program) -> bool:
        """Add a program that the configuration of an older supervisord lacks. False if it has one of that name."""
        if any(info["name"] == program.name for info in self._call("getAllProcessInfo")):
            return False
        with open(self.config, "a") as config:
            config.write("\n" + section(self.home, program))
        self._call("reloadConfig")
        self._call("addProcessGroup", program.name)
        return True

    def start_program(self, name: str) -> None:
        self._call("startProcess", name, False)

    def stop_program(self, name: str) -> None:
        """Stop a program and wait until it has ended. Only `start_program` starts it again."""
        self._call("stopProcess", name, True)

    def restart(self, names: Iterable[str]) -> None:
        """Stop these programs together, and start each again once it has ended."""
        stopping = set(names)
        for name in stopping:
            self._call("stopProcess", name, False)
        while stopping:
            ended = {process.name for process in self.processes() if process.pid == 0} & stopping
            for name in ended:
                self.start_program(name)
            stopping -= ended
            time.sleep(0 if ended else 0.1)

    def shutdown(self) -> None:
        """Stop all programs except ZooKeeper, then ZooKeeper and supervisord. Returns before they have ended.

        A supervisord that is ending already, by a signal, goes on with that; one that does not respond is sent SIGTERM.
        """
        try:
            self._stop_all()
        except Fault as fault:
            if fault.faultCode != SHUTDOWN_STATE:
                raise
        except OSError:
            if process := self.process():
                process.terminate()

    def _stop_all(self) -> None:
        """The JobManager ends its session at ZooKeeper; the next one would wait for a session that was not ended."""
        for process in self.processes():
            if process.pid and process.name != LAST:
                with suppress_not_running():
                    self._call("stopProcess", process.name, False)
        while any(process.pid and process.name == LASTS_CLIENT for process in self.processes()):
            time.sleep(0.1)
        self._call("stopAllProcesses", False)
        self._call("shutdown")

    def restarts(self) -> dict[str, int]:
        """Number of restarts of each program since this supervisord started."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        spawned = re.findall(r"spawned: '([\w-]+)' with pid", text.rpartition("supervisord started with pid")[2])
        return {name: spawned.count(name) - 1 for name in set(spawned)}

    def _call(self, method: str, *arguments: Any) -> Any:
        from supervisor.xmlrpc import SupervisorTransport

        transport = SupervisorTransport(None, None, f"unix://{self.socket}")
        try:
            proxy = ServerProxy("http://supervisor", transport=transport)
            return getattr(proxy.supervisor, method)(*arguments)
        finally:
            transport.close()


@contextmanager
def suppress_not_running() -> Iterator[None]:
    """Ignore that a program has ended meanwhile."""
    try:
        yield
    except Fault as fault:
        if fault.faultCode != NOT_RUNNING:
            raise


def socket_path(home: Path) -> Path:
    """Socket of supervisord: below the home, or in the temporary folder if that path is too long for a socket."""
    path = home / "run" / "supervisor.sock"
    if len(os.fsencode(path)) <= SOCKET_PATH_LIMIT:
        return path
    folder = Path(gettempdir()) / f"depthflow-{os.geteuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.geteuid():
        raise StackError(f"{folder} belongs to another user", "Choose a shorter DEPTHFLOW_HOME")
    return folder / f"{hashlib.sha256(os.fsencode(home)).hexdigest()[:16]}.sock"
