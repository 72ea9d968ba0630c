"""The processes of the stack, kept up by supervisord, which is asked and told over a Unix socket."""

import hashlib
import os
import re
import resource
import shlex
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import gettempdir
from typing import Any
from xmlrpc.client import Fault, ServerProxy

from stack.errors import StackError

MARK = "DEPTHFLOW_STACK"  # in the environment of every process of a stack, with its home as the value
SOCKET_PATH_LIMIT = 100  # the kernel takes 107 bytes, and supervisord first binds a name with its pid behind
OPEN_FILES = 65536


@dataclass(frozen=True)
class Program:
    """One process to be kept up. `user` is for a program that refuses to run as root."""

    name: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    user: str | None = None
    stop_signal: str = "TERM"
    wanted: bool = True  # else it runs from when it is asked for


@dataclass(frozen=True)
class Process:
    """What supervisord knows of one program."""

    name: str
    state: str
    pid: int
    started: int  # epoch seconds
    detail: str

    @property
    def up(self) -> bool:
        return self.state in ("RUNNING", "STARTING")


class Supervisor:
    """The supervisord of one stack. Every method but `alive` expects it to run."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.socket = socket_path(home)

    def start(self, programs: Iterable[Program], environment: dict[str, str]) -> None:
        """Write the configuration and start supervisord, which starts every program at once."""
        for folder in ("run", "logs", "conf"):
            (self.home / folder).mkdir(parents=True, exist_ok=True)
        config = self.home / "conf" / "supervisord.conf"
        config.write_text(render(self.home, self.socket, list(programs)))
        command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(config)]
        result = subprocess.run(command, env=environment | {MARK: str(self.home)}, capture_output=True, text=True)
        if result.returncode:
            raise StackError(
                "The supervisor does not start", f"See {self.log}", (result.stdout + result.stderr).strip()
            )

    @property
    def log(self) -> Path:
        return self.home / "logs" / "supervisord.log"

    def alive(self) -> bool:
        """Whether a supervisord answers."""
        try:
            return bool(self._call("getPID"))
        except (OSError, Fault):
            return False

    def pid(self) -> int:
        return int(self._call("getPID"))

    def processes(self) -> list[Process]:
        """Every program that was ever to run with its state, in the order of the configuration."""
        return [
            Process(
                info["name"], info["statename"], info["pid"], info["start"], info["spawnerr"] or info["description"]
            )
            for info in self._call("getAllProcessInfo")
            if info["start"] or info["statename"] != "STOPPED"
        ]

    def has(self, name: str) -> bool:
        """Whether the program of that name is to run."""
        return any(process.name == name for process in self.processes())

    def start_program(self, name: str) -> None:
        self._call("startProcess", name, False)

    def stop_program(self, name: str) -> None:
        """Stop it, and wait until it is gone; nothing starts it again but `start_program`."""
        self._call("stopProcess", name, True)

    def restart(self, names: Iterable[str]) -> None:
        """Stop these programs together, and start each again once it is gone."""
        waiting = set(names)
        for name in waiting:
            self._call("stopProcess", name, False)
        while waiting:
            gone = {process.name for process in self.processes() if process.pid == 0} & waiting
            for name in gone:
                self.start_program(name)
            waiting -= gone
            time.sleep(0 if gone else 0.1)

    def shutdown(self) -> None:
        """Stop every program, all at once, then supervisord itself; returns before they are gone."""
        self._call("stopAllProcesses", False)
        self._call("shutdown")

    def restarts(self) -> dict[str, int]:
        """How often each program was started again since this supervisord started."""
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


def socket_path(home: Path) -> Path:
    """Where supervisord listens: below the home, or in the temporary folder when that path is too long for a socket."""
    path = home / "run" / "supervisor.sock"
    if len(os.fsencode(path)) <= SOCKET_PATH_LIMIT:
        return path
    folder = Path(gettempdir()) / f"depthflow-{os.geteuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.geteuid():
        raise StackError(f"{folder} belongs to somebody else", "Choose a shorter DEPTHFLOW_HOME")
    return folder / f"{hashlib.sha256(os.fsencode(home)).hexdigest()[:16]}.sock"


def render(home: Path, socket: Path, programs: list[Program]) -> str:
    """The configuration of supervisord."""
    files = min(resource.getrlimit(resource.RLIMIT_NOFILE)[1], OPEN_FILES)
    head = f"""\
[supervisord]
logfile={_value(home / "logs" / "supervisord.log")}
logfile_maxbytes=10MB
logfile_backups=1
pidfile={_value(home / "run" / "supervisord.pid")}
childlogdir={_value(home / "logs")}
minfds={files}

[unix_http_server]
file={_value(socket)}
chmod=0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""
    return "\n".join([head, *(_section(home, program) for program in programs)])


def _section(home: Path, program: Program) -> str:
    environment = ",".join(f'{key}="{_value(value)}"' for key, value in program.environment.items())
    lines = {
        "command": _value(shlex.join(program.command)),
        "directory": "/",
        "environment": environment,
        "user": program.user,
        "autostart": "true" if program.wanted else "false",
        "autorestart": "true",
        "startsecs": "2",
        "startretries": "10",
        "stopsignal": program.stop_signal,
        "stopasgroup": "true" if program.stop_signal == "TERM" else "false",
        "killasgroup": "true",
        "stopwaitsecs": "30",
        "redirect_stderr": "true",
        "stdout_logfile": _value(log_file(home, program.name)),
        "stdout_logfile_maxbytes": "50MB",
        "stdout_logfile_backups": "2",
    }
    return f"[program:{program.name}]\n" + "".join(f"{key}={value}\n" for key, value in lines.items() if value)


def log_file(home: Path, name: str) -> Path:
    """Where a program's output goes."""
    return home / "logs" / f"{name}.log"


def log_tail(home: Path, name: str, lines: int = 15) -> str:
    """The last lines a program wrote."""
    file = log_file(home, name)
    return "\n".join(file.read_text(errors="replace").splitlines()[-lines:]) if file.exists() else ""


def _value(text: object) -> str:
    return str(text).replace("%", "%%")
