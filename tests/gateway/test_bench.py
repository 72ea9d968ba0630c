"""`depthflow bench gateway` with a load that suits a test."""

import json

import pytest

from bench import gateway as bench
from tests.gateway.conftest import Backend


def test_the_bench_prints_its_figures_as_the_last_line(
    backend: Backend, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in backend.environment().items():
        monkeypatch.setenv(name, value)
    smaller = {"PER_S": 400, "REST_PER_S": 50, "WARM_UP_S": 0.5, "MEASURED_S": 2, "STEP_S": 0.5, "STEP": 100}
    for name, smaller_value in smaller.items():
        monkeypatch.setattr(bench, name, smaller_value)
    bench.report(clients=20)
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])
    wanted = {"clients", "publish_p99_ms", "messages_per_s", "bare_messages_per_s", "rest_per_s", "rest_p99_ms"}
    assert wanted | {"rss_mb", "conflated"} <= figures.keys() and figures["clients"] == 20
    assert figures["steady_per_s"] > 200 and figures["conflated"] == 0
