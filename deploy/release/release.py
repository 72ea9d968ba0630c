"""`make release`: wheel and sdist, bill of materials, licences and audit of the locked packages, in dist/.

The same commit gives the same bytes: times in the archives are that of the commit, or SOURCE_DATE_EPOCH.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "requirements.lock"
UV = [sys.executable, "-m", "uv"]
SBOM = "cyclonedx-bom==7.5.0"
AUDIT = "pip-audit==2.10.1"
NAMED = re.compile(r"License :: (?:OSI Approved :: )?(.+)")


def build(folder: Path, epoch: str) -> list[Path]:
    """Wheel and sdist of the checkout."""
    command = [*UV, "build", "--quiet", "--out-dir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, env=os.environ | {"SOURCE_DATE_EPOCH": epoch})
    return sorted(path for path in folder.iterdir() if path.suffix in (".whl", ".gz"))


def commit_time() -> str:
    """Time of the newest commit, epoch seconds; SOURCE_DATE_EPOCH where it is set."""
    command = ["git", "-C", str(ROOT), "log", "-1", "--format=%ct"]
    return os.environ.get("SOURCE_DATE_EPOCH") or subprocess.check_output(command, text=True).strip()


def bill_of_materials(file: Path) -> None:
    """CycloneDX list of the locked packages with their hashes."""
    tool = [*UV, "tool", "run", "--quiet", "--from", SBOM, "cyclonedx-py", "requirements", "--output-reproducible"]
    project = ["--pyproject", str(ROOT / "pyproject.toml"), "--of", "JSON", "-o", str(file)]
    subprocess.run([*tool, *project, str(LOCK)], check=True)


def locked_names() -> list[str]:
    """Names of the packages in the lock file, in its order."""
    return re.findall(r"^([A-Za-z0-9][\w.-]*)==", LOCK.read_text(), re.MULTILINE)


def licences() -> Iterator[tuple[str, str, str]]:
    """(name, version, licence) of every locked package that is installed here."""
    for name in locked_names():
        try:
            found = distribution(name)
        except PackageNotFoundError:  # for another platform or version of Python
            continue
        yield name, found.version, licence(found)


def licence(found: Distribution) -> str:
    """Licence of a package: its SPDX expression, its classifiers, or the first line of its licence field."""
    classifiers = [match[1] for text in found.metadata.get_all("Classifier", []) if (match := NAMED.match(text))]
    stated = (found.metadata.get("License") or "").strip().splitlines()
    return found.metadata.get("License-Expression") or ", ".join(classifiers) or (stated[0] if stated else "not stated")


def write_licences(file: Path) -> None:
    rows = [f"| {name} | {version} | {text.replace('|', '/')} |" for name, version, text in licences()]
    file.write_text("\n".join(["| package | version | licence |", "|---|---|---|", *rows]) + "\n")


def audit(file: Path) -> str:
    """Write known vulnerabilities of the locked packages; returns a summary."""
    tool = [*UV, "tool", "run", "--quiet", AUDIT, "--requirement", str(LOCK), "--disable-pip", "--format=json"]
    done = subprocess.run([*tool, "--progress-spinner=off"], capture_output=True, text=True)
    if not done.stdout.startswith("{"):
        return f"not audited: {done.stderr.strip().splitlines()[-1:]}"
    file.write_text(done.stdout)
    return summary(json.loads(done.stdout)["dependencies"])


def summary(packages: list[dict[str, object]]) -> str:
    """Result of an audit in one line. A package without data was not audited, which is not the same as safe."""
    skipped = [str(package["name"]) for package in packages if "skip_reason" in package]
    known = [f"{package['name']} ({len(list(package['vulns']))})" for package in packages if package.get("vulns")]  # type: ignore[call-overload]
    audited = len(packages) - len(skipped)
    return f"{audited} of {len(packages)} packages audited; vulnerable: {', '.join(known) or 'none of these'}"


def main() -> None:
    """Write everything to dist/."""
    folder = ROOT / "dist"
    folder.mkdir(exist_ok=True)
    for path in build(folder, commit_time()):
        print(path.name)
    bill_of_materials(folder / "sbom.json")
    write_licences(folder / "licences.md")
    print("sbom.json, licences.md\naudit:", audit(folder / "audit.json"))


if __name__ == "__main__":
    main()
