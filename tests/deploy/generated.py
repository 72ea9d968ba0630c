"""Files of the manifests that are made of others: `make docs` writes them."""

from pathlib import Path

import yaml

from core.resources import DATA, ROOT
from tests.deploy.manifests import K8S

RULES = ROOT / "deploy" / "prometheus" / "rules"
LOG = "log4j-console.properties"


def rules() -> str:
    """The PrometheusRule, with the groups of all files in the order of their names."""
    groups = [group for file in sorted(RULES.glob("*.yml")) for group in yaml.safe_load(file.read_text())["groups"]]
    head = {"apiVersion": "monitoring.coreos.com/v1", "kind": "PrometheusRule", "metadata": {"name": "depthflow"}}
    body = yaml.safe_dump(head | {"spec": {"groups": groups}}, sort_keys=False, width=120, allow_unicode=True)
    return f"# Written by `make docs` from deploy/prometheus/rules.\n{body}"


def log() -> str:
    """The patch that gives every job the log configuration of the images, in place of the operator's own."""
    lines = (DATA / "flink-conf" / LOG).read_text().splitlines()
    head = "apiVersion: flink.apache.org/v1beta1\nkind: FlinkDeployment\nmetadata:\n  name: any\nspec:\n"
    text = "".join(f"      {line}".rstrip() + "\n" for line in lines)
    return f"# Written by `make docs` from flink-conf/{LOG}.\n{head}  logConfiguration:\n    {LOG}: |\n{text}"


FILES = {K8S / "base" / "rules.yaml": rules, K8S / "base" / "flink" / "log.yaml": log}


def outdated() -> list[Path]:
    """Files whose sources have changed since they were written."""
    return [file for file, text in FILES.items() if not file.exists() or file.read_text() != text()]


if __name__ == "__main__":
    for file in outdated():
        file.write_text(FILES[file]())
