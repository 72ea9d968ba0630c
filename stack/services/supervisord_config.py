"""The configuration of supervisord: one section for each program."""

import resource
import shlex
from dataclasses import dataclass, field
from pathlib import Path

from stack.services.cds_archives import WRITES_AT_EXIT
from stack.services.logs import log_file

OPEN_FILES = 65536
STOP_S, WRITING_STOP_S = 30, 120


@dataclass(frozen=True)
class Program:
    """One process that supervisord restarts when it ends. `user` is for a program that refuses to run as root."""

    name: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    user: str | None = None
    stop_signal: str = "TERM"
    autostart: bool = True  # False: it runs after `Supervisor.start_program`
    priority: int = 999  # programs with lower ones start earlier and stop later
    temporary: Path | None = None  # folder that is emptied before each start: a killed process leaves its files there

    @property
    def stop_s(self) -> int:
        """Seconds to end after the signal; then it is killed.

        Longer for a JVM that writes its archive: four do at once, which on two cores with other load took over 30 s.
        """
        return WRITING_STOP_S if any(each.startswith(WRITES_AT_EXIT) for each in self.command) else STOP_S


def render(home: Path, socket: Path, programs: list[Program]) -> str:
    """The text of the configuration file."""
    files = min(resource.getrlimit(resource.RLIMIT_NOFILE)[1], OPEN_FILES)
    head = f"""\
[supervisord]
logfile={_escape(home / "logs" / "supervisord.log")}
logfile_maxbytes=10MB
logfile_backups=1
pidfile={_escape(home / "run" / "supervisord.pid")}
childlogdir={_escape(home / "logs")}
minfds={files}

[unix_http_server]
file={_escape(socket)}
chmod=0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""
    return "\n".join([head, *(section(home, program) for program in programs)])


def section(home: Path, program: Program) -> str:
    """The section of one program."""
    environment = ",".join(f'{key}="{_escape(value)}"' for key, value in program.environment.items())
    command = [*_emptying(program.temporary), *program.command] if program.temporary else program.command
    options = {
        "command": _escape(shlex.join(command)),
        "directory": "/",
        "environment": environment,
        "user": program.user,
        "autostart": "true" if program.autostart else "false",
        "autorestart": "true",
        "priority": str(program.priority),
        "startsecs": "2",
        "startretries": "10",
        "stopsignal": program.stop_signal,
        "stopasgroup": "true" if program.stop_signal == "TERM" else "false",
        "killasgroup": "true",
        "stopwaitsecs": str(program.stop_s),
        "redirect_stderr": "true",
        "stdout_logfile": _escape(log_file(home, program.name)),
        "stdout_logfile_maxbytes": "50MB",
        "stdout_logfile_backups": "2",
    }
    return f"[program:{program.name}]\n" + "".join(f"{key}={value}\n" for key, value in options.items() if value)


def _emptying(folder: Path) -> list[str]:
    """A shell that empties the folder and then becomes the command that follows."""
    return ["/bin/sh", "-c", 'rm -rf "$0"; mkdir -p "$0"; exec "$@"', str(folder)]


def _escape(value: object) -> str:
    """A value with the percent signs doubled, which supervisord would otherwise expand."""
    return str(value).replace("%", "%%")
