"""Downloads of jars by several processes at once."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from stack.services import jars


def test_concurrent_downloads_of_the_same_jars_happen_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    barrier, fetched = Barrier(2), list[tuple[str, ...]]()
    original = jars._part_folder

    def part_folder(*arguments: Any) -> Path:
        folder = original(*arguments)
        barrier.wait(10)  # both have to find that there is nothing yet
        return folder

    def fetch(coordinates: tuple[str, ...], *_: object) -> list[Path]:
        fetched.append(coordinates)
        (tmp_path / "connector.jar").touch()
        return [tmp_path / "connector.jar"]

    monkeypatch.setattr(jars, "_part_folder", part_folder)
    monkeypatch.setattr(jars, "_fetch", fetch)
    with ThreadPoolExecutor(2) as pool:
        found = [each.result() for each in [pool.submit(jars.flink_lib_jars) for _ in range(2)]]
    assert [[jar.name for jar in each] for each in found] == [["connector.jar"]] * 2
    assert fetched == [jars.FLINK_LIB]
