"""Dockerfiles as stages of instructions, and a run of their COPY and RUN instructions in a scratch folder.

Without a container engine the folder stands for the root of the image: paths in commands are moved below it. Left out
are commands that change the system, such as apt-get; a test looks at them in another way.
"""

import io
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dockerfile_parse import DockerfileParser

from core.resources import ROOT

IMAGES = ROOT / "deploy" / "images"
FILES = sorted(IMAGES.glob("*.Dockerfile"))
SYSTEM_COMMANDS = ("apt-get", "rm -rf /var/lib/apt", "groupadd", "useradd")
ABSOLUTE = re.compile(r"(?<![\w.}/-])(?=/(?:opt|build|state|zookeeper|var/lib/depthflow)\b)")
FILE_URL = "file://"


@dataclass(frozen=True)
class Instruction:
    """One instruction with its arguments; line continuations and comments are gone."""

    name: str
    value: str


@dataclass(frozen=True)
class Stage:
    """The instructions after one FROM, and those before the first one: ARG."""

    base: str
    name: str
    instructions: list[Instruction]

    def values(self, name: str) -> list[str]:
        return [each.value for each in self.instructions if each.name == name]


def stages(text: str) -> list[Stage]:
    """The stages of a Dockerfile, with the arguments before the first FROM filled in."""
    parser = DockerfileParser(fileobj=io.BytesIO(text.encode()))
    arguments: dict[str, str] = {}
    found: list[Stage] = []
    for entry in parser.structure:
        name, value = entry["instruction"], entry["value"]
        if name == "FROM":
            base, _, alias = expanded(value, arguments).partition(" AS ")
            found.append(Stage(base, alias, []))
        elif not found and name == "ARG":
            arguments |= dict([value.split("=", 1)])
        elif name != "COMMENT":
            given = f"{value}={arguments[value]}" if name == "ARG" and value in arguments else value
            found[-1].instructions.append(Instruction(name, given))
    return found


def expanded(text: str, variables: Mapping[str, str]) -> str:
    """The text with ${NAME} and ${NAME%suffix} replaced where the variable is known."""
    pattern = re.compile(r"\$\{(\w+)(?:%([^}]*))?}")
    return pattern.sub(lambda m: variables[m[1]].removesuffix(m[2] or "") if m[1] in variables else m[0], text)


@dataclass
class Scratch:
    """A folder in place of an image's root. `path`: entries that come before the PATH of the machine."""

    root: Path
    path: list[Path]

    def run(self, stage: Stage, sources: Mapping[str, Path], arguments: Mapping[str, str]) -> None:
        """Carry out a stage. `sources`: folder of each stage for COPY --from, and the build context under ''."""
        variables: dict[str, str] = {}
        folder = self.root
        for each in stage.instructions:
            if each.name == "ARG":
                name, _, default = each.value.partition("=")
                variables[name] = arguments.get(name, default)
            elif each.name == "WORKDIR":
                folder = self.root / each.value.lstrip("/")
            elif each.name == "COPY":
                self._copy(each.value, sources)
            elif each.name == "RUN":
                self._shell(each.value, folder, variables)

    def _copy(self, value: str, sources: Mapping[str, Path]) -> None:
        option = re.match(r"--from=(\w+)\s+", value)
        source = sources[option[1] if option else ""]
        *patterns, target = value[option.end() if option else 0 :].split()
        into = self.root / target.lstrip("/")
        for pattern in patterns:
            files = sorted(source.glob(pattern.lstrip("/")))
            assert files, f"COPY {value}: {pattern} matches nothing in {source}"
            for file in files:
                goal = into / file.name if target.endswith("/") else into
                if goal == file:  # stages that share a folder, since a virtual environment cannot move
                    continue
                goal.parent.mkdir(parents=True, exist_ok=True)
                shutil.copytree(file, goal, symlinks=True) if file.is_dir() else shutil.copy2(file, goal)

    def _shell(self, command: str, folder: Path, variables: Mapping[str, str]) -> None:
        parts = [part for part in command.split(" && ") if not part.strip().startswith(SYSTEM_COMMANDS)]
        if not parts:
            return
        script = ABSOLUTE.sub(str(self.root), " && ".join(parts).replace(FILE_URL, f"{FILE_URL} ")).replace(
            f"{FILE_URL} ", FILE_URL
        )
        search = os.pathsep.join([*map(str, self.path), os.environ["PATH"]])
        environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", script],
            cwd=folder,
            env=environment | dict(variables) | {"PATH": search},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
