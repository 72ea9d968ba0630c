"""Paths of inputs beside the repository, recorded frames and cases that failed, and of the small fixtures in it."""

from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
FOLDER = TESTS.parents[1] / "shared" / "frames"
CASES = FOLDER.parent / "cases"


def recorded_path(name: str) -> Path:
    """A recorded file or folder, or a fixture by `fixtures/…`. Skips the test where the recorded frames are missing."""
    if name.startswith("fixtures/"):
        return TESTS / name
    path = FOLDER / name
    if not path.exists():
        pytest.skip(f"needs the recorded frames ../shared/frames/{name}")
    return path


def case_path(name: str) -> Path:
    """An input on which the code failed once. Skips the test where these inputs are missing."""
    path = CASES / name
    if not path.exists():
        pytest.skip(f"needs the input ../shared/cases/{name}")
    return path
