"""Search for credentials in the logs of a test session: those of stacks, and those that tests give to processes."""

import os
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from dotenv import dotenv_values

from core.settings import STACK_FILE

NAMED = re.compile(r"(PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY)$", re.IGNORECASE)
IN_URL = re.compile(r"://[^/\s:@]*:([^/\s@]+)@")
LOG = re.compile(r"\.(log|out|err)(\.\d+)?$")
RECORDS = re.compile(r"^\d{20}\.log$")  # segments of a topic
FORMS = {  # recognised without being known
    "an access token": re.compile(rb"eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{20,}"),
    "a password hash": re.compile(rb"\$argon2\w*\$v="),
}
MIN_LENGTH = 12  # shorter values are placeholders of tests, and parts of ordinary words


def secrets(environment: Mapping[str, str | None]) -> dict[str, str]:
    """Names of the secret variables by value: passwords, keys and tokens, also those within an address."""
    found = {}
    for name, value in environment.items():
        values = [value] if value and NAMED.search(name) else IN_URL.findall(value or "")
        found |= {each: name for each in values if len(each) >= MIN_LENGTH}
    return found


def files(folder: Path) -> Iterator[Path]:
    """Files of a folder and its subfolders."""
    for parent, _, names in os.walk(folder):
        yield from (Path(parent, name) for name in names)


def is_log(file: Path) -> bool:
    """True for a log, or any file in a folder of logs. Topics are no logs."""
    return not RECORDS.match(file.name) and (bool(LOG.search(file.name)) or "logs" in file.parts)


@dataclass
class LogSearch:
    """The known secrets, and where a log has one. `searched` counts logs that are not empty."""

    known: dict[str, str] = field(default_factory=dict)  # variable by value
    found: set[tuple[str, str]] = field(default_factory=set)  # log, kind of secret
    searched: int = 0

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Learn the secrets in the environment of every process that is started within the block."""
        start = subprocess.Popen.__init__

        def recorded(process: Any, *arguments: Any, **options: Any) -> None:
            given = options.get("env")
            self.known |= secrets(os.environ if given is None else given)
            start(process, *arguments, **options)

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(subprocess.Popen, "__init__", recorded)
            yield

    def below(self, folder: Path) -> None:
        """Search every log of a folder for all secrets, those of the stacks in it as well."""
        present = list(files(folder))
        for file in present:
            if file.name == STACK_FILE:
                self.known |= secrets(dotenv_values(file))
        self._search(file for file in present if is_log(file) and file.is_file())

    def _search(self, logs: Iterable[Path]) -> None:
        known = {value.encode(): kind for value, kind in self.known.items()}
        for log in logs:
            text = log.read_bytes()
            self.searched += bool(text)
            kinds = {kind for value, kind in known.items() if value in text}
            kinds |= {kind for kind, form in FORMS.items() if form.search(text)}
            self.found |= {(str(log), kind) for kind in kinds}

    def report(self) -> str:
        """Every log that has a secret, and its kind; empty if there is none."""
        return "\n".join(f"{log} has {kind}" for log, kind in sorted(self.found))


SEARCH = LogSearch()  # of the session
