from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from stack import jars


def test_two_that_need_the_same_jars_fetch_them_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    together, fetched = Barrier(2), list[tuple[str, ...]]()
    looked = jars._complete

    def complete(*asked: Any) -> Path:
        folder = looked(*asked)
        together.wait(10)  # both have to find that there is nothing yet
        return folder

    def fetch(coordinates: tuple[str, ...], *_: object) -> list[Path]:
        fetched.append(coordinates)
        (tmp_path / "connector.jar").touch()
        return [tmp_path / "connector.jar"]

    monkeypatch.setattr(jars, "_complete", complete)
    monkeypatch.setattr(jars, "_fetch", fetch)
    with ThreadPoolExecutor(2) as pool:
        found = [each.result() for each in [pool.submit(jars.flink_lib_jars) for _ in range(2)]]
    assert [[jar.name for jar in each] for each in found] == [["connector.jar"]] * 2
    assert fetched == [jars.FLINK_LIB]
