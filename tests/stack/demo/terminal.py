"""A command in a terminal of its own, as a user runs it."""

import fcntl
import os
import pty
import re
import signal
import subprocess
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

CTRL_C = b"\x03"
ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")


class Terminal:
    """A running command and the text that it has printed so far, without escape sequences."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self._master, terminal = pty.openpty()
        self.process = subprocess.Popen(
            command,
            env=environment,
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
            preexec_fn=_own_terminal,
        )
        os.close(terminal)
        self._printed: list[bytes] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def text(self) -> str:
        return ESCAPES.sub("", b"".join(self._printed).decode(errors="replace"))

    def expect(self, pattern: str, seconds: float) -> re.Match[str]:
        """Wait until the text has a pattern. Fails when the command ends before, or after so many seconds."""
        until = time.monotonic() + seconds
        while (found := re.search(pattern, self.text)) is None:
            assert time.monotonic() < until and self.process.poll() is None, self.text[-3000:]
            time.sleep(0.05)
        return found

    def press(self, key: bytes) -> None:
        os.write(self._master, key)

    def wait(self, seconds: float) -> int:
        """Wait for the end of the command; its exit status."""
        status = self.process.wait(seconds)
        self._reader.join(seconds)
        return status

    def _read(self) -> None:
        try:
            while chunk := os.read(self._master, 65536):
                self._printed.append(chunk)
        except OSError:  # the command has ended
            return


def _own_terminal() -> None:
    """Ctrl-C goes to the foreground processes, and ends them also where the test run itself ignores it (`nohup &`)."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def terminal(command: list[str], environment: dict[str, str]) -> Iterator[Terminal]:
    """A command in a terminal, ended with the block."""
    running = Terminal(command, environment)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.process.terminate()
            running.process.wait(60)
        os.close(running._master)
