"""Configurations of log shippers, against lines of our processes and of Flink, by the rules of each shipper.

The shippers themselves do not run here. Their rules are those of their documentation: `stage.json` and `json` extract
by name, `timestamp` parses with Go's layouts, `ndjson` puts the fields of the line at the top.
"""

import json
import logging
import re
from collections.abc import Iterator
from datetime import datetime
from io import StringIO
from typing import Any

import pytest
import structlog
import yaml

from core.logs import configure
from core.resources import ROOT

FOLDER = ROOT / "deploy" / "logs"
FLINK = (
    '{"time": "2026-11-29T00:43:36.168Z", "service": "taskmanager-1", "level": "error", "event": "Terminating", '
    '"logger": "org.apache.flink.runtime", "thread": "main", "exception": "java.lang.Exception: x\\n\\tat y"}'
)
GO_FRACTION = re.compile(
    r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?Z$"
)  # RFC3339Nano, and .999999999 in a layout


@pytest.fixture(scope="module")
def lines() -> list[str]:
    """A line of a process of ours, and one of Flink (tests/stack/services/test_json_logs.py has the layout)."""
    root, output = logging.getLogger(), StringIO()
    handlers, level = root.handlers[:], root.level
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("sys.stderr", output)
        configure("info", "forwarder")
        structlog.get_logger("forwarder").info("connected", venue="kraken", symbol="BTC/USD")
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    return [output.getvalue().strip(), FLINK]


def blocks(name: str) -> Iterator[str]:
    """Bodies of the blocks of that name in Alloy's configuration."""
    text = (FOLDER / "config.alloy").read_text()
    for found in re.finditer(rf"^\s*{re.escape(name)} (?:\"\w+\" )?\{{\n(.*?)^\s*\}}", text, re.MULTILINE | re.DOTALL):
        yield found[1]


def mapping(text: str, name: str) -> dict[str, str]:
    found = re.search(rf"{name}\s+= \{{(.*?)\}}", text)
    assert found is not None
    return dict(re.findall(r'(\w+) = "(\w+)"', found[1]))


def check(event: dict[str, Any], extracted: dict[str, str], labels: set[str], time: str) -> None:
    values = {name: event[source] for name, source in extracted.items()}
    assert labels == {"service", "level"} and labels <= values.keys()
    assert GO_FRACTION.match(values[time]) and datetime.fromisoformat(values[time].removesuffix("Z"))


def test_alloy_finds_time_and_labels_in_every_line(lines: list[str]) -> None:
    (extract,), (stamp,), (label,) = blocks("stage.json"), blocks("stage.timestamp"), blocks("stage.labels")
    assert '"RFC3339Nano"' in stamp and "drop_malformed = false" in extract
    for line in lines:
        check(json.loads(line), mapping(extract, "expressions"), set(mapping(label, "values")), "time")


def test_components_of_alloy_lead_to_each_other() -> None:
    text = (FOLDER / "config.alloy").read_text()
    defined = {f"{kind}.{name}" for kind, name in re.findall(r'^([a-z.]+) "(\w+)" \{', text, re.MULTILINE)}
    used = set(re.findall(r"((?:discovery|loki)\.\w+\.\w+)\.(?:targets|output|receiver)", text))
    assert used <= defined and len(defined) == 5


def test_promtail_finds_time_and_labels_in_every_line(lines: list[str]) -> None:
    (scrape,) = yaml.safe_load((FOLDER / "promtail.yaml").read_text())["scrape_configs"]
    stages = {kind: stage for each in scrape["pipeline_stages"] for kind, stage in each.items()}
    assert stages["timestamp"] == {"source": "time", "format": "RFC3339Nano"}
    for line in lines:
        check(json.loads(line), stages["json"]["expressions"], set(stages["labels"]), "time")


def test_filebeat_finds_the_message_and_the_time_in_every_line(lines: list[str]) -> None:
    loaded = yaml.safe_load((FOLDER / "filebeat.yml").read_text())
    parser = next(each["ndjson"] for each in loaded["filebeat.inputs"][0]["parsers"] if "ndjson" in each)
    stamp = next(each["timestamp"] for each in loaded["processors"] if "timestamp" in each)
    assert parser["message_key"] == "event" and parser["target"] == "" and stamp["field"] == "time"
    for line in [json.loads(line) for line in lines]:
        assert isinstance(line[parser["message_key"]], str) and GO_FRACTION.match(line[stamp["field"]])
    assert all(GO_FRACTION.match(example) for example in stamp["test"])


def test_no_configuration_has_an_address_or_a_secret() -> None:
    for path in FOLDER.iterdir():
        text = path.read_text()
        assert not re.search(r"https?://|password|api_key", text), path
        assert "LOKI_URL" in text or "ELASTICSEARCH_URL" in text


def test_no_label_has_as_many_values_as_there_are_books() -> None:
    (label,) = blocks("stage.labels")
    assert "symbol" not in label and "venue" not in label
