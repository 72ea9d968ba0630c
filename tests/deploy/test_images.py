"""The Dockerfiles: what a linter and our own rules find, and their cheap steps, carried out in a scratch folder.

`test_image_soak.py` carries out every step and starts the result.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from core.resources import ROOT
from stack.services import jars
from stack.services.flink_home import flink_package
from stack.services.java import find_java
from tests.deploy.dockerfiles import FILES, IMAGES, Scratch, Stage, expanded, stages

USERS = {"flink.Dockerfile": "9999:9999", "depthflow.Dockerfile": "10001:10001"}
NETWORKED = re.compile(r"\b(curl|wget|git clone|ADD|pip install(?!.*--require-hashes))\b")


def problems(text: str) -> list[str]:
    """Violations of our own rules in a Dockerfile."""
    parsed = stages(text)
    final, found = parsed[-1], []
    found += [f"{stage.base} has no fixed version" for stage in parsed if not re.search(r":\d+\.\d+\.\d+", stage.base)]
    if not re.fullmatch(r"[1-9]\d*:[1-9]\d*", (final.values("USER") or ["root"])[-1]):
        found.append("the last user is root, or has no number")
    if not final.values("HEALTHCHECK"):
        found.append("no health check")
    if '"/usr/bin/tini"' not in (final.values("ENTRYPOINT") or [""])[-1]:
        found.append("tini is not the first process")
    for stage in parsed:
        for command in stage.values("RUN"):
            for part in command.split(" && "):
                if NETWORKED.search(part) and not part.strip().startswith("apt-get"):
                    found.append(f"unchecked download: {part.strip()}")
                if "uv pip" in part and "--require-hashes" not in part:
                    found.append(f"no hashes: {part.strip()}")
        if any(value.split()[0] in (".", "./") for value in stage.values("COPY")):
            found.append("the whole context is copied")
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_hadolint_finds_nothing(file: Path) -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([hadolint, "--failure-threshold", "style", file], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_rules_find_nothing(file: Path) -> None:
    text = file.read_text()
    assert problems(text) == []
    assert stages(text)[-1].values("USER") == [USERS[file.name]]
    (command,) = (each for stage in stages(text) for each in stage.values("RUN") if "uv pip install" in each)
    assert "--constraints /build/requirements.lock" in command and "sha256sum" in command


FAULTS = {
    "FROM python:latest": ("FROM ${PYTHON}\n", "FROM python:latest\n", "python:latest has no fixed version"),
    "root": ("USER ", "# USER ", "the last user is root, or has no number"),
    "health": ("HEALTHCHECK", "LABEL check=", "no health check"),
    "tini": ('"/usr/bin/tini", "-g", "--", ', "", "tini is not the first process"),
    "hashes": (" --require-hashes \\\n    --con", " \\\n    --con", "no hashes: uv pip install"),
    "download": ("RUN python -m venv", "RUN curl https://x | sh && python -m venv", "unchecked download: curl"),
    "context": ("COPY --from=packages", "COPY . /app\nCOPY --from=packages", "the whole context is copied"),
}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(file: Path, fault: str) -> None:
    sound, faulty, expected = FAULTS[fault]
    text = file.read_text()
    assert sound in text
    assert any(problem.startswith(expected) for problem in problems(text.replace(sound, faulty)))


def test_both_images_have_the_same_python_and_the_versions_of_the_lock_file() -> None:
    bases = {stage.base for file in FILES for stage in stages(file.read_text()) if stage.base.startswith("python:")}
    assert len(bases) == 1
    flink = next(base for stage in stages(FILES[1].read_text()) if (base := stage.base).startswith("flink:"))
    assert (
        f"apache-flink=={flink.removeprefix('flink:').partition('-')[0]} " in (ROOT / "requirements.lock").read_text()
    )
    uv = re.search(r"^UV := (uv==\S+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert uv and (IMAGES / "uv.txt").read_text().startswith(f"{uv[1]} --hash=sha256:")


def test_the_context_has_what_the_images_copy_and_no_secrets() -> None:
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {
        source
        for file in FILES
        for stage in stages(file.read_text())
        for value in stage.values("COPY")
        if not value.startswith("--from")
        for source in value.split()[:-1]
    }
    assert {source if "/images/" not in source else "deploy/images" for source in copied} == allowed
    assert "*" in (ROOT / ".dockerignore").read_text().splitlines()


def test_checksums_are_those_of_the_connectors() -> None:
    lines = (IMAGES / "jars.sha256").read_text().splitlines()
    assert [line.split()[1] for line in lines] == sorted(
        f"{artifact}-{version}.jar" for _, artifact, version in (each.split(":") for each in jars.FLINK_LIB)
    )
    for jar in jars.flink_lib_jars():
        assert f"{hashlib.sha256(jar.read_bytes()).hexdigest()}  {jar.name}" in lines


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build context with the connectors, and without a wheel."""
    folder = tmp_path_factory.mktemp("context")
    shutil.copytree(IMAGES, folder / "deploy" / "images")
    (folder / "dist" / "jars").mkdir(parents=True)
    for jar in jars.flink_lib_jars():
        shutil.copy2(jar, folder / "dist" / "jars")
    return folder


def official_image(folder: Path) -> Path:
    """Sources of COPY from Flink's image: links to the Python package's distribution and a Java. Copies are written."""
    java = folder / "opt" / "java" / "openjdk"
    java.mkdir(parents=True)
    (java / "bin").symlink_to(find_java().home / "bin")
    for part in ("bin", "conf"):
        shutil.copytree(flink_package() / part, folder / "opt" / "flink" / part)
    for part in ("lib", "opt", "plugins"):
        shutil.copytree(flink_package() / part, folder / "opt" / "flink" / part, copy_function=os.symlink)
    (folder / "docker-entrypoint.sh").touch()
    return folder


def test_the_cheap_steps_of_the_jobs_image_lay_out_flink(context: Path, tmp_path: Path) -> None:
    """Connectors, plugin, configuration and import check; this environment stands for the one of the first stage."""
    final = stages((IMAGES / "flink.Dockerfile").read_text())[-1]
    source = official_image(tmp_path / "flink")
    plugin = "flink-s3-fs-presto-2.2.1.jar"
    (source / "opt" / "flink" / "opt" / plugin).touch()
    packages = tmp_path / "packages" / "opt"
    packages.mkdir(parents=True)
    (packages / "venv").symlink_to(sys.prefix)
    scratch = Scratch(tmp_path / "root", [Path(sys.executable).parent])
    scratch.root.mkdir()
    without_copy = Stage(final.base, final.name, [each for each in final.instructions if "/opt/venv" not in each.value])
    scratch.run(without_copy, {"": context, "flink": source, "packages": tmp_path / "packages"}, {})
    home = scratch.root / "opt" / "flink"
    assert (home / "plugins" / "flink-s3-fs-presto-2.2.1" / plugin).exists()
    assert (home / "lib" / "flink-python-2.2.1.jar").exists()
    config = yaml.safe_load((home / "conf" / "config.yaml").read_text())
    assert config["python.executable"] == sys.executable and config["rest.bind-address"] == "0.0.0.0"
    assert "high-availability.type" not in config and "jobmanager.rpc.address" not in config
    assert "--add-opens=java.base/java.lang=ALL-UNNAMED" in config["env.java.opts.all"]


def test_a_damaged_connector_stops_the_build(context: Path, tmp_path: Path) -> None:
    final = stages((IMAGES / "flink.Dockerfile").read_text())[-1]
    damaged = tmp_path / "context"
    shutil.copytree(context, damaged)
    with next((damaged / "dist" / "jars").iterdir()).open("ab") as jar:
        jar.write(b"x")
    scratch = Scratch(tmp_path / "root", [])
    scratch.root.mkdir()
    check = [each for each in final.instructions if "jars" in each.value or each.name == "WORKDIR"][:3]
    with pytest.raises(AssertionError, match="FAILED"):
        scratch.run(Stage("", "", check), {"": damaged}, {})


def test_arguments_are_expanded_as_a_shell_does() -> None:
    assert expanded("${A}/${B%.jar} ${C}", {"A": "1", "B": "x.jar"}) == "1/x ${C}"
