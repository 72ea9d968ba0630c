"""Schemathesis: calls made up from a gateway's OpenAPI document, and answers compared with it."""

import subprocess
import sys
from pathlib import Path


def check_answers(url: str, token: str, folder: Path, *paths: str) -> None:
    """Call the operations that options such as `--exclude-path-regex` select. AssertionError shows the failures.

    Not expressible in a schema: `from` before `to`, and thresholds within the range of their rule. Both are refused
    with 422.
    """
    command = [Path(sys.executable).with_name("schemathesis"), "run", f"{url}/openapi.json"]
    options = ["--header", f"Authorization: Bearer {token}", "--checks", "all", "--max-examples", "8", "--seed", "1"]
    options += ["--exclude-checks", "positive_data_acceptance", "--no-color", *paths]
    done = subprocess.run([*command, *options], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-6000:]
