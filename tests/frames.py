"""Where the recorded frames lie: beside the project, never in it."""

from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "frames"


def recorded_path(name: str) -> Path:
    """A recorded file, or a folder of them; the test that asks is skipped where it is not."""
    path = FOLDER / name
    if not path.exists():
        pytest.skip(f"needs the recorded frames ../shared/frames/{name}")
    return path
