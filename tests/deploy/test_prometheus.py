"""Rules and configuration of Prometheus and Alertmanager: checked by their own tools, where they are installed."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from core.resources import ROOT

FOLDER = ROOT / "deploy" / "prometheus"
RUNBOOK = ROOT / "docs" / "operations.md"
needs_promtool = pytest.mark.skipif(not shutil.which("promtool"), reason="promtool: apt-get install prometheus")


def rules() -> Iterator[dict[str, Any]]:
    for path in sorted((FOLDER / "rules").glob("*.yml")):
        for group in yaml.safe_load(path.read_text())["groups"]:
            yield from group["rules"]


ALERTS = {rule["alert"]: rule for rule in rules() if "alert" in rule}


def run(*command: str) -> str:
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@needs_promtool
def test_promtool_accepts_the_configuration_and_the_rules() -> None:
    run("promtool", "check", "config", "prometheus.yml")
    run("promtool", "check", "rules", "--lint=all", "--lint-fatal", *map(str, (FOLDER / "rules").glob("*.yml")))


@needs_promtool
@pytest.mark.parametrize("name", ["alerts", "objectives"])
def test_rules_pass_their_unit_tests(name: str) -> None:
    assert "SUCCESS" in run("promtool", "test", "rules", f"tests/{name}_test.yml")


@pytest.mark.skipif(not shutil.which("amtool"), reason="amtool: apt-get install prometheus-alertmanager")
def test_amtool_accepts_the_configuration_and_routes_by_origin() -> None:
    file = str(FOLDER / "alertmanager.yml")
    run("amtool", "check-config", file)
    route = ("amtool", "config", "routes", "test", f"--config.file={file}")
    assert run(*route, "alertname=spread_spike", "rule=spread_spike", "severity=high").strip() == "market"
    assert run(*route, "alertname=BrokerDown", "severity=critical").strip() == "operators"


def test_every_alert_has_a_case_in_which_it_fires() -> None:
    cases = [
        case
        for path in (FOLDER / "tests").glob("*.yml")
        for test in yaml.safe_load(path.read_text())["tests"]
        for case in test.get("alert_rule_test", [])
    ]
    assert {case["alertname"] for case in cases if case.get("exp_alerts")} == ALERTS.keys()


def test_every_alert_leads_to_its_section_of_the_runbook() -> None:
    sections = {heading.lower() for heading in re.findall(r"^#+ (\w+)$", RUNBOOK.read_text(), re.MULTILINE)}
    for name, rule in ALERTS.items():
        assert rule["annotations"]["runbook_url"] == f"docs/operations.md#{name.lower()}"
        assert name.lower() in sections, f"{RUNBOOK.name} has no section {name}"
        assert rule["annotations"]["summary"] and rule["labels"]["severity"] in ("critical", "warning", "info")


def test_inhibitions_name_alerts_that_exist() -> None:
    rules = yaml.safe_load((FOLDER / "alertmanager.yml").read_text())["inhibit_rules"]
    matchers = [matcher for rule in rules for side in ("source", "target") for matcher in rule[f"{side}_matchers"]]
    named = {name for matcher in matchers for name in re.findall(r"[A-Z]\w+", matcher)}
    assert named <= ALERTS.keys() and named
