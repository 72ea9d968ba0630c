"""Environment of the stack's processes."""

from pathlib import Path

import pytest

from stack.services.bootstrap import clean_environment
from stack.services.java import Java


def test_only_java_and_numpy_options_of_the_callers_environment_reach_the_cluster(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    options = {"JAVA_TOOL_OPTIONS": "-Xlog:gc", "OPENBLAS_CORETYPE": "Haswell", "OMP_NUM_THREADS": "1"}
    for name, value in (options | {"FLINK_CONF_DIR": "/elsewhere", "PYTHONPATH": "/elsewhere"}).items():
        monkeypatch.setenv(name, value)
    inherited = clean_environment(Java(Path("/java"), 17))
    assert options.items() <= inherited.items()
    assert {"FLINK_CONF_DIR", "PYTHONPATH"}.isdisjoint(inherited)
    assert inherited["JAVA_HOME"] == "/java"
