"""The metrics server: health, readiness, metrics, and errors of its address."""

import json
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from prometheus_client import CollectorRegistry, Counter

from core.metrics_server import AddressError, metrics_server


def get(address: str, path: str) -> tuple[int, str]:
    try:
        with urlopen(f"http://{address}{path}", timeout=5) as response:
            return response.status, response.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()


def test_metrics_health_and_readiness_are_served() -> None:
    registry, reasons = CollectorRegistry(), list[str]()
    Counter("records", "Records", registry=registry).inc(3)
    with metrics_server("127.0.0.1:0", "--metrics-addr", registry, list, lambda: reasons) as address:
        assert "records_total 3.0" in get(address, "/metrics")[1]
        assert get(address, "/ready")[0] == 200
        reasons.append("no record")
        status, body = get(address, "/ready")
        assert (status, json.loads(body)["reasons"]) == (503, ["no record"])
        assert get(address, "/health")[0] == 200 and get(address, "/other")[0] == 404


def test_a_taken_address_is_named_with_its_option() -> None:
    with metrics_server("127.0.0.1:0", "--metrics-addr", CollectorRegistry(), list, list) as address:
        with pytest.raises(AddressError, match=f"cannot listen on {address}: .*; choose another with --metrics-addr"):
            with metrics_server(address, "--metrics-addr", CollectorRegistry(), list, list):
                pass


def test_an_empty_address_serves_nothing() -> None:
    with metrics_server("", "--metrics-addr", CollectorRegistry(), list, list) as address:
        assert address == ""
