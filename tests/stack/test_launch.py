from pathlib import Path

import pytest

from stack.java import Java
from stack.launch import clean_environment


def test_of_the_callers_environment_only_what_steers_java_and_numpy_reaches_the_cluster(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = {"JAVA_TOOL_OPTIONS": "-Xlog:gc", "OPENBLAS_CORETYPE": "Haswell", "OMP_NUM_THREADS": "1"}
    for name, value in (told | {"FLINK_CONF_DIR": "/elsewhere", "PYTHONPATH": "/elsewhere"}).items():
        monkeypatch.setenv(name, value)
    inherited = clean_environment(Java(Path("/java"), 17))
    assert told.items() <= inherited.items()
    assert {"FLINK_CONF_DIR", "PYTHONPATH"}.isdisjoint(inherited)
    assert inherited["JAVA_HOME"] == "/java"
