"""The release: the same commit gives the same bytes, and every locked package is in the lists."""

import hashlib
import json
import os
import re
import tarfile
import zipfile
from importlib import util
from pathlib import Path

import pytest

from core.resources import ROOT

spec = util.spec_from_file_location("release", ROOT / "deploy" / "release" / "release.py")
assert spec is not None and spec.loader is not None
release = util.module_from_spec(spec)
spec.loader.exec_module(release)

needs_uv = pytest.mark.skipif(not util.find_spec("uv"), reason="uv, which make installs")
EPOCH = "1700000000"


@pytest.fixture(scope="module", autouse=True)
def trusted() -> None:
    """Certificates of the system for uv, as the Makefile sets them."""
    os.environ.setdefault("UV_SYSTEM_CERTS", "true")


@needs_uv
def test_two_builds_give_the_same_bytes(tmp_path: Path) -> None:
    digests = [
        {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in release.build(tmp_path / name, EPOCH)}
        for name in ("first", "second")
    ]
    assert digests[0] == digests[1] and len(digests[0]) == 2


@needs_uv
def test_archives_have_no_secret_no_cache_and_no_time_of_the_build(tmp_path: Path) -> None:
    wheel, sdist = sorted(release.build(tmp_path, EPOCH), key=lambda path: path.suffix, reverse=True)
    with zipfile.ZipFile(wheel) as archive:
        assert {info.date_time for info in archive.infolist()} == {(2023, 11, 14, 22, 13, 20)}
        names = archive.namelist()
    with tarfile.open(sdist) as source:
        assert {member.mtime for member in source.getmembers()} == {int(EPOCH)}
        names += source.getnames()
    assert not [name for name in names if re.search(r"(^|/)(\.env|\.depthflow|__pycache__|\.venv)(/|$)", name)]


@needs_uv
def test_the_bill_of_materials_has_every_locked_package(tmp_path: Path) -> None:
    release.bill_of_materials(tmp_path / "sbom.json")
    bill = json.loads((tmp_path / "sbom.json").read_text())
    assert {each["name"] for each in bill["components"]} == set(release.locked_names())
    assert bill["metadata"]["component"]["name"] == "depthflow"


def test_every_installed_package_states_a_licence() -> None:
    found = list(release.licences())
    assert len(found) > 50
    unstated = {name for name, _, text in found if text == "not stated"}
    assert not unstated
    assert not [name for name, _, text in found if re.search(r"\bAGPL|Affero", text)]


def test_a_package_without_data_does_not_pass_for_audited() -> None:
    packages = [
        {"name": "a", "vulns": []},
        {"name": "b", "vulns": [{"id": "X-1"}]},
        {"name": "c", "skip_reason": "not found"},
    ]
    assert release.summary(packages) == "2 of 3 packages audited; vulnerable: b (1)"


def test_the_version_is_one_everywhere() -> None:
    found = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert found is not None
    version = found[1]
    assert f"DEPTHFLOW_VERSION={version}" in (ROOT / ".env.example").read_text()
    assert "## Unreleased" in (ROOT / "CHANGELOG.md").read_text()
