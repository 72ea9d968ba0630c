"""A real Alertmanager for a test, from Debian's package prometheus-alertmanager."""

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from tests.conftest import free_ports

BINARY = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
CONFIG = """
route: {receiver: web, group_by: [rule], group_wait: 1s, group_interval: 1s, repeat_interval: 1h}
receivers:
  - name: web
    webhook_configs: [{url: '%s', send_resolved: true}]
"""


@dataclass(frozen=True)
class RunningAlertmanager:
    """Its address."""

    url: str

    def firing(self) -> list[dict[str, Any]]:
        """Alerts that fire now, by severity."""
        with urlopen(f"{self.url}/api/v2/alerts?active=true", timeout=10) as answer:
            found: list[dict[str, Any]] = json.load(answer)
        return sorted(found, key=lambda each: str(each["labels"]["severity"]))


@contextmanager
def running_alertmanager(
    folder: Path, webhook: str = "http://127.0.0.1:9/", port: int = 0
) -> Iterator[RunningAlertmanager]:
    """An Alertmanager that notifies the webhook of groups by rule, a second after their first alert."""
    assert BINARY
    port = port or free_ports(1)[0]
    config = folder / "alertmanager.yml"
    config.write_text(CONFIG % webhook)
    command = [BINARY, f"--config.file={config}", f"--storage.path={folder}", "--cluster.listen-address="]
    with (folder / "alertmanager.log").open("w") as log:
        server = subprocess.Popen(
            [*command, f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=subprocess.STDOUT
        )
    try:
        running = RunningAlertmanager(f"http://127.0.0.1:{port}")
        until = time.monotonic() + 30
        while not _responds(running):
            assert server.poll() is None and time.monotonic() < until, (folder / "alertmanager.log").read_text()
            time.sleep(0.05)
        yield running
    finally:
        server.terminate()
        server.wait(10)


def _responds(running: RunningAlertmanager) -> bool:
    try:
        with urlopen(f"{running.url}/-/ready", timeout=1):
            return True
    except (URLError, OSError):
        return False
