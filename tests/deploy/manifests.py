"""Objects of kustomize and of the chart, and the rules that the tests check. Each rule returns its findings."""

import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from core.resources import ROOT
from tests.deploy import go_tools

K8S, CHART = ROOT / "deploy" / "k8s", ROOT / "deploy" / "helm" / "depthflow"
FOLDERS = {"base": K8S / "base", "dev": K8S / "overlays" / "dev", "prod": K8S / "overlays" / "prod"}
OLDEST = "1.29"
WORKLOADS, FLINK = ("Deployment", "StatefulSet", "Job"), ("FlinkDeployment",)
SECRET = re.compile(r"password|secret|token|dsn|redis://|postgres(ql)?://|s3\.(access|secret)-key|jaas", re.IGNORECASE)
CAPABILITIES = {"drop": ["ALL"]}

Objects = dict[tuple[str, str], dict[str, Any]]


@cache
def kustomized(name: str) -> str:
    """Output of `kubectl kustomize` for the base or an overlay."""
    return kustomize(FOLDERS[name])


def kustomize(folder: Path) -> str:
    """Output of `kubectl kustomize`."""
    return _output([str(go_tools.kubectl()), "kustomize", str(folder)])


@cache
def templated(name: str, *given: str) -> str:
    """Output of `helm template` with the values of an overlay, or the defaults, and the given `NAME=VALUE`."""
    values = [] if name == "base" else ["--values", str(CHART / f"values-{name}.yaml")]
    version = ["--kube-version", f"{OLDEST}.0"]
    values += [f"--set={each}" for each in given]
    return _output([str(go_tools.helm()), "template", "depthflow", str(CHART), "-n", "depthflow", *version, *values])


def _output(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def objects(text: str) -> Objects:
    """Objects by kind and name, in new copies."""
    return {(each["kind"], each["metadata"]["name"]): each for each in yaml.safe_load_all(text) if each}


def pods(found: Objects) -> Iterator[tuple[str, dict[str, Any]]]:
    """Pod specifications with the name of their owner."""
    for (kind, name), each in found.items():
        if kind == "FlinkDeployment":
            yield name, each["spec"]["podTemplate"]["spec"]
        elif kind in WORKLOADS:
            yield name, each["spec"]["template"]["spec"]


def unsafe_pods(found: Objects) -> Iterator[str]:
    """Pods that run as root or could become it, write to their root file system, or have no limits."""
    for name, pod in pods(found):
        context = pod.get("securityContext", {})
        if not (context.get("runAsNonRoot") and context.get("runAsUser", 0) > 0):
            yield f"{name}: may run as root"
        if context.get("seccompProfile", {}).get("type") != "RuntimeDefault":
            yield f"{name}: no seccomp profile"
        for container in pod["containers"]:
            own = container.get("securityContext", {})
            if own.get("allowPrivilegeEscalation") is not False or own.get("capabilities") != CAPABILITIES:
                yield f"{name}: may gain privileges"
            if not own.get("readOnlyRootFilesystem"):
                yield f"{name}: writable root file system"
            if "memory" not in container.get("resources", {}).get("limits", {}) and pod is not flink_pod(found, name):
                yield f"{name}: no memory limit"
            if not re.search(r":\d+\.\d+\.\d+$", container.get("image", ":0.0.0")):
                yield f"{name}: image {container['image']} has no fixed version"


def flink_pod(found: Objects, name: str) -> Any:
    """The pod template of a Flink job, whose memory the operator limits; None for other names."""
    deployment = found.get(("FlinkDeployment", name))
    return deployment and deployment["spec"]["podTemplate"]["spec"]


def exposed_secrets(found: Objects) -> Iterator[str]:
    """Secrets in arguments, in Flink's configuration, in ConfigMaps or in environment values, and Secret objects."""
    for (kind, name), each in found.items():
        spec = each.get("spec", {})
        places: list[Any] = [each.get("data", {})] if kind == "ConfigMap" else []
        if kind == "FlinkDeployment":
            places += [spec.get("flinkConfiguration", {}), spec["job"].get("args", [])]
        for place in places:
            if SECRET.search(str(place)):
                yield f"{kind} {name}: a secret in {sorted(place) if isinstance(place, dict) else place}"
        if kind == "Secret":
            yield f"Secret {name}"
    for name, pod in pods(found):
        for container in pod["containers"]:
            values = [str(entry.get("value", "")) + entry["name"] for entry in container.get("env", [])]
            if SECRET.search(str([container.get("args"), container.get("command"), values])):
                yield f"{name}: a secret in its arguments or environment"


def missing_references(found: Objects) -> Iterator[str]:
    """References to ConfigMaps, claims and accounts that are not among the objects."""
    for name, pod in pods(found):
        account = pod.get("serviceAccountName") or found["FlinkDeployment", name]["spec"]["serviceAccount"]
        wanted = [("ServiceAccount", account)]
        wanted += [
            ("ConfigMap", source["configMapRef"]["name"])
            for container in pod["containers"]
            for source in container.get("envFrom", [])
            if "configMapRef" in source
        ]
        wanted += [
            ("PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"])
            for volume in pod.get("volumes", [])
            if "persistentVolumeClaim" in volume
        ]
        yield from (f"{name} refers to {kind} {other}" for kind, other in wanted if (kind, other) not in found)


def unmatched_selectors(found: Objects) -> Iterator[str]:
    """Selectors of services, budgets, monitors and policies that match no pod, and ports that no container has."""
    labels = [each["spec"]["template"]["metadata"]["labels"] for (kind, _), each in found.items() if kind in WORKLOADS]
    flink = [each["spec"]["podTemplate"]["metadata"]["labels"] for (kind, _), each in found.items() if kind in FLINK]
    labels += [each | {"component": role} for each in flink for role in ("jobmanager", "taskmanager")]  # Flink's own
    for (kind, name), each in found.items():
        spec = each.get("spec", {})
        selector = spec.get("podSelector") if kind == "NetworkPolicy" else spec.get("selector")
        if kind in WORKLOADS or selector is None:
            continue
        if not any(_matches(selector, each_labels) for each_labels in labels):
            yield f"{kind} {name}: selects no pod"


def _matches(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    plain = "matchLabels" not in selector and "matchExpressions" not in selector
    wanted = selector if plain else selector.get("matchLabels", {})
    expressions = selector.get("matchExpressions", []) if not plain else []
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        labels.get(each["key"]) in each["values"] for each in expressions
    )
