"""A running stack with Prometheus: a simulated venue, a forwarder, two jobs, the gateway and notifications."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import psutil

from bench.load import open_producer
from stack.services import lifecycle
from stack.services.progress import Progress
from stack.services.settings import StackSettings
from tests.conftest import USERS_PATH, free_ports, remove_stack, stack_settings
from tests.jobs.isolated_system import wait_until

VENUE, SYMBOL = "kraken", "BTC/USD"
KEY = f"{VENUE}:{SYMBOL}"
PORTS = ("kafka_metrics", "prometheus", "alertmanager", "postgres_exporter", "redis_exporter", "node_exporter")
ALERT = {
    "id": "spread_spike|kraken|BTC/USD|1|enter",
    "venue": VENUE,
    "symbol": SYMBOL,
    "rule": "spread_spike",
    "severity": "high",
    "phase": "enter",
    "episode": 1,
    "event_time": 1,
    "value": 3.0,
    "threshold": 2.0,
    "message": "test",
}


@dataclass
class Observed:
    """The stack, its processes by name, and its Prometheus."""

    settings: StackSettings
    environment: dict[str, str]
    processes: dict[str, subprocess.Popen[bytes]]
    port: int
    control_port: int
    metrics_port: int  # of the forwarder

    @property
    def home(self) -> Path:
        return self.settings.home

    def depthflow(self, *arguments: str) -> str:
        """Output of a command. An error shows both outputs."""
        command = [sys.executable, "-m", "stack", *arguments]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=240)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def start(self, name: str, *arguments: str, **environment: str) -> None:
        with open(self.home / "logs" / f"{name}.log", "ab") as log:
            command, variables = [sys.executable, "-m", "stack", *arguments], self.environment | environment
            self.processes[name] = subprocess.Popen(command, stdout=log, stderr=log, env=variables)

    def start_forwarder(self, **environment: str) -> None:
        self.forward(VENUE, SYMBOL, self.port, self.metrics_port, "forwarder", **environment)

    def forward(self, venue: str, symbol: str, port: int, metrics_port: int, name: str, **environment: str) -> None:
        """Start a forwarder of a simulated exchange."""
        urls = f"--ws-url=ws://127.0.0.1:{port}", f"--rest-url=http://127.0.0.1:{port}"
        options = f"--metrics-addr=127.0.0.1:{metrics_port}", f"--spill-dir={self.home / 'spill' / name}"
        self.start(name, "forward", f"--venue={venue}", f"--symbols={symbol}", *urls, *options, **environment)

    def kill(self, name: str) -> None:
        self.processes.pop(name).kill()

    def end(self, name: str) -> None:
        """End a process as a supervisor does."""
        process = self.processes.pop(name)
        process.terminate()
        process.wait(30)

    def prometheus(self, path: str, **parameters: str) -> Any:
        """`data` of a response of Prometheus' API."""
        with urlopen(f"{self.settings.prometheus_url}/api/v1/{path}?{urlencode(parameters)}", timeout=10) as response:
            return json.load(response)["data"]

    def query(self, expression: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.prometheus("query", query=expression)["result"]
        return found

    def firing(self) -> set[str]:
        """Names of the alerts that Alertmanager has; those of an objective with its name, such as BudgetBurns sync."""
        with urlopen(f"{self.settings.alertmanager_url}/api/v2/alerts", timeout=10) as response:
            labels = [alert["labels"] for alert in json.load(response)]
        return {" ".join((each["alertname"], *filter(None, [each.get("slo")]))) for each in labels}

    def wait_firing(self, name: str, timeout_s: float = 120) -> None:
        wait_until(lambda: name in self.firing(), f"the alert {name}", timeout_s)

    def wait_resolved(self, name: str, timeout_s: float = 420) -> None:
        wait_until(lambda: name not in self.firing(), f"the end of the alert {name}", timeout_s)

    def send(self, topic: str, key: str, *values: bytes) -> None:
        producer = open_producer(self.settings.kafka_bootstrap, linger_ms=5)
        for value in values:
            producer.produce(topic, value, key)
        assert producer.flush(30) == 0


@contextmanager
def observed_stack(folder: Path) -> Iterator[Observed]:
    """A stack on free ports with everything that has metrics, until the block ends."""
    ports = {f"{name}_port": port for name, port in zip(PORTS, free_ports(len(PORTS)), strict=True)}
    settings = stack_settings(folder / "home").model_copy(
        update=ports | {"flink_metrics_port": consecutive_free_ports(4), "flink_taskmanagers": 3}
    )
    own = {"DEPTHFLOW_HOME": str(settings.home), "PATH": USERS_PATH, "TOPIC_PARTITIONS": "2"}
    observed = Observed(settings, os.environ | own, {}, *free_ports(3))
    with ExitStack() as cleanup:
        cleanup.callback(remove_stack, settings)
        cleanup.callback(_stop, observed)
        lifecycle.up(settings, Progress(), serve=True, observe=True)
        start_processes(observed)
        yield observed


def start_processes(observed: Observed) -> None:
    """Simulator, jobs, forwarder and notifications."""
    ports = f"--port={observed.port}", f"--control-port={observed.control_port}"
    observed.start("simulate", "simulate", VENUE, "--symbols", SYMBOL, *ports)
    with ThreadPoolExecutor() as pool:  # side by side: each submission mostly waits for processes to start
        list(pool.map(lambda job: observed.depthflow("submit", job), ("books", "analytics")))
    observed.start_forwarder()
    receiver = observed.settings.alertmanager_url
    observed.start("notify", "notify", NOTIFY_ALERTMANAGER_URL=receiver, NOTIFY_METRICS_ADDR="127.0.0.1:0")
    wait_until(lambda: bool(observed.query('up{job="notify"} == 1')), "notifications to be scraped")
    observed.send("orderbook.alerts", KEY, json.dumps(ALERT).encode())


def consecutive_free_ports(count: int) -> int:
    """The first of so many free ports in a row."""
    taken = {connection.laddr.port for connection in psutil.net_connections("tcp") if connection.laddr}
    return next(first for first in range(9_500, 32_000, count) if not taken & set(range(first, first + count)))


def _stop(observed: Observed) -> None:
    for process in observed.processes.values():
        process.send_signal(signal.SIGTERM)
    for process in observed.processes.values():
        process.wait(30)
