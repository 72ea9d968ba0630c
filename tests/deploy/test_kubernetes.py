"""Kubernetes: every object against the schemas, the chart against kustomize, Flink's keys against Flink."""

import copy
import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from core.certificates import jgo_trusts_the_system
from core.resources import ROOT
from core.settings import Settings
from jobs.submit import JOBS
from stack.services import jars
from stack.services.errors import StackError
from stack.services.flink_home import flink_package
from tests.deploy import generated, go_tools, manifests
from tests.deploy.flink_options import read_options
from tests.deploy.manifests import FOLDERS, Objects, kustomize, kustomized, objects, templated
from venues.registry import VENUES

pytestmark = pytest.mark.timeout(1500)  # the first run downloads and builds programs

NAMES = sorted(FOLDERS)
# Newer artefacts of the operator are not on Maven. Its schema lacks only the versions of Flink since, and newer keys.
OPERATOR = ("org.apache.flink:flink-kubernetes-operator-api:1.10.0", "org.apache.flink:flink-autoscaler:1.10.0")
CRD = "META-INF/fabric8/flinkdeployments.flink.apache.org-v1.yml"
OPERATOR_KEYS = {"kubernetes.operator.job.upgrade.last-state-fallback.enabled"}
S3_KEYS = {"s3.endpoint", "s3.path.style.access"}
CUSTOM = ("flink.apache.org/", "monitoring.coreos.com/")
DIFFERENT = {"execution.checkpointing.interval": "5s", "metrics.reporter.prom.port": "9250"}
FOLDER_KEYS = {"execution.checkpointing.dir", "execution.checkpointing.savepoint-dir", "high-availability.storageDir"}


@pytest.fixture(params=NAMES)
def found(request: pytest.FixtureRequest) -> Objects:
    """Objects of the base or of an overlay; a test may change them."""
    return objects(kustomized(request.param))


@pytest.fixture
def base() -> Objects:
    return objects(kustomized("base"))


@pytest.fixture(scope="module")
def operator_jars() -> list[Path]:
    try:
        with jgo_trusts_the_system():
            return [jars._ensure(f"operator-{each.split(':')[1]}", (each,), False, None) for each in OPERATOR]
    except StackError as error:
        pytest.skip(f"the operator's artefacts come from Maven at the first run: {error}")


@pytest.fixture(scope="module")
def flink_schema(operator_jars: list[Path]) -> dict[str, Any]:
    """The operator's schema of a FlinkDeployment, with unknown fields as errors: the API server drops them silently."""
    (api,) = operator_jars[0].glob("*.jar")
    crd = yaml.load(zipfile.ZipFile(api).read(CRD), yaml.CSafeLoader)
    schema: dict[str, Any] = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    schema["properties"]["flinkVersion"]["enum"].append("v2_2")
    return closed(schema)


@pytest.fixture(scope="module")
def flink_keys(operator_jars: list[Path]) -> dict[str, set[str]]:
    found = read_options(list(operator_jars[1].glob("*.jar")))
    return {kind: set(keys) for kind, keys in found.items()}


def closed(schema: Any) -> Any:
    """The schema with additional properties forbidden where properties are named."""
    if isinstance(schema, dict):
        schema = {key: closed(value) for key, value in schema.items()}
        if isinstance(schema.get("properties"), dict) and "x-kubernetes-preserve-unknown-fields" not in schema:
            schema.setdefault("additionalProperties", False)
        if schema.get("x-kubernetes-int-or-string"):
            schema = {"type": ["integer", "string"]}
    return schema


def schema_errors(found: Objects, version: str) -> list[str]:
    """Errors of the objects of Kubernetes itself against the schemas of one version."""
    errors = []
    for (kind, name), each in found.items():
        if not each["apiVersion"].startswith(CUSTOM):
            try:
                kubernetes_validate.validate(each, version, strict=True)
            except kubernetes_validate.ValidationError as error:
                errors.append(f"{kind} {name}: {error.message}")
    return errors


def versions() -> list[str]:
    first, last = (int(text.split(".")[1]) for text in (manifests.OLDEST, kubernetes_validate.latest_version()))
    return [f"1.{minor}" for minor in range(first, last + 1)]


@pytest.mark.parametrize("version", versions())
def test_objects_are_valid_in_every_supported_version(version: str) -> None:
    assert schema_errors(objects(kustomized("prod")), version) == []


@pytest.mark.parametrize("name", ["base", "dev"])
def test_objects_of_the_other_kustomizations_are_valid(name: str) -> None:
    assert schema_errors(objects(kustomized(name)), manifests.OLDEST) == []


@pytest.mark.parametrize("name", NAMES)
def test_the_chart_gives_the_objects_of_kustomize(name: str) -> None:
    assert objects(templated(name, "createNamespace=true")) == objects(kustomized(name))


def flink_errors(found: Objects, schema: dict[str, Any]) -> list[str]:
    """Errors of the FlinkDeployments against the operator's schema."""
    validator = jsonschema.Draft7Validator(schema)
    specs = {name: each["spec"] for (kind, name), each in found.items() if kind == "FlinkDeployment"}
    return [f"{name}: {error.message}" for name, spec in specs.items() for error in validator.iter_errors(spec)]


def test_flink_deployments_follow_the_operators_schema(found: Objects, flink_schema: dict[str, Any]) -> None:
    assert flink_errors(found, flink_schema) == []


def monitor_errors(found: Objects) -> str:
    """Errors of the objects of the Prometheus operator, read strictly into the operator's own types."""
    ours = [each for each in found.values() if each["apiVersion"].startswith("monitoring.coreos.com/")]
    text = "\n---\n".join(map(yaml.safe_dump, ours))
    return subprocess.run([go_tools.own("monitor_check")], input=text, capture_output=True, text=True).stdout


def test_generated_files_are_up_to_date() -> None:
    assert generated.outdated() == [], "make docs writes them"


def test_monitors_have_the_types_of_the_prometheus_operator(base: Objects) -> None:
    assert monitor_errors(base) == ""
    base["PodMonitor", "flink"]["spec"]["podMetricsEndpoints"][0]["intervall"] = "15s"
    assert 'unknown field "intervall"' in monitor_errors(base)


def configurations(found: Objects) -> dict[str, dict[str, str]]:
    return {
        name: each["spec"]["flinkConfiguration"] for (kind, name), each in found.items() if kind == "FlinkDeployment"
    }


def unknown_keys(found: Objects, keys: dict[str, set[str]]) -> list[str]:
    """Keys that Flink, the operator and the autoscaler do not define, and old names of keys."""
    used = {key for configuration in configurations(found).values() for key in configuration}
    own = {key for key in used if key.startswith("metrics.reporter.prom.")}
    return sorted(used - keys["known"] - own - OPERATOR_KEYS - S3_KEYS)


def test_every_key_of_flink_is_known(found: Objects, flink_keys: dict[str, set[str]]) -> None:
    assert unknown_keys(found, flink_keys) == []
    assert "state.storage.fs.memory-threshold" in flink_keys["old"]  # the name before Flink 2


def test_the_reporters_class_is_in_its_plugin(base: Objects) -> None:
    factory = configurations(base)["depthflow-books"]["metrics.reporter.prom.factory.class"]
    (plugin,) = (flink_package() / "plugins" / "metrics-prometheus").glob("*.jar")
    assert f"{factory.replace('.', '/')}.class" in zipfile.ZipFile(plugin).namelist()


def test_jobs_have_the_configuration_of_production(base: Objects) -> None:
    """Except the checkpoint interval and the port of metrics; folders are those of each job."""
    production = {
        key: str(value).lower() if isinstance(value, bool) else str(value)
        for key, value in yaml.safe_load((ROOT / "flink-conf" / "production.yaml").read_text()).items()
    }
    for name, configuration in configurations(base).items():
        job = name.removeprefix("depthflow-")
        assert {key: configuration[key] for key in production.keys() - FOLDER_KEYS} == {
            key: value for key, value in (production | DIFFERENT).items() if key not in FOLDER_KEYS
        }
        assert {configuration[key].rsplit("/", 1)[0] for key in FOLDER_KEYS} == {f"s3://depthflow/{job}"}
        assert configuration["high-availability.type"] == "kubernetes"


def test_every_job_has_a_deployment_in_application_mode(base: Objects) -> None:
    found = {name: each["spec"] for (kind, name), each in base.items() if kind == "FlinkDeployment"}
    assert {name.removeprefix("depthflow-") for name in found} >= JOBS.keys()
    for name, spec in found.items():
        job = spec["job"]
        assert spec["flinkVersion"] == "v2_2" and job["upgradeMode"] == "savepoint"
        assert job["entryClass"] == "org.apache.flink.client.python.PythonDriver"
        assert job["args"][-1].endswith(f"/site-packages/jobs/{name.removeprefix('depthflow-')}.py")
        bounds = [int(spec["flinkConfiguration"][f"job.autoscaler.vertex.{end}-parallelism"]) for end in ("min", "max")]
        assert (
            bounds[0] <= job["parallelism"] <= bounds[1] <= int(spec["flinkConfiguration"]["pipeline.max-parallelism"])
        )


def test_settings_are_known_and_partitions_are_shared_evenly(found: Objects) -> None:
    settings = {key.lower(): value for key, value in found["ConfigMap", "depthflow-settings"]["data"].items()}
    assert settings.keys() <= Settings.model_fields.keys()
    Settings.model_validate(settings)


@pytest.mark.parametrize("name", NAMES)
def test_pods_are_safe_secrets_are_hidden_and_references_lead_somewhere(name: str) -> None:
    found = objects(kustomized(name))
    for rule in (
        manifests.unsafe_pods,
        manifests.exposed_secrets,
        manifests.missing_references,
        manifests.unmatched_selectors,
    ):
        assert list(rule(found)) == []


def test_forwarders_may_reach_the_ports_of_every_exchange_and_the_listed_services(base: Objects) -> None:
    text = "".join(file.read_text() for file in (ROOT / "venues").glob("*/constants.py"))
    ports = {int(port or 443) for port in re.findall(r'"(?:wss|https)://[\w.-]+(?::(\d+))?"', text)}
    (rule,) = base["NetworkPolicy", "exchanges"]["spec"]["egress"]
    assert {each["port"] for each in rule["ports"]} == ports == {443, 9443}
    (rule,) = base["NetworkPolicy", "metrics"]["spec"]["ingress"]
    served = {
        port["containerPort"]
        for _, pod in manifests.pods(base)
        for container in pod["containers"]
        for port in container.get("ports", ())
        if port["name"] in ("metrics", "http")
    }
    assert {each["port"] for each in rule["ports"]} == served


def test_images_and_chart_have_the_version_of_the_project(base: Objects) -> None:
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version is not None
    chart = yaml.safe_load((manifests.CHART / "Chart.yaml").read_text())
    assert chart["version"] == chart["appVersion"] == version[1]
    images = {
        container["image"] for _, pod in manifests.pods(base) for container in pod["containers"] if "image" in container
    }
    images |= {each["spec"]["image"] for (kind, _), each in base.items() if kind == "FlinkDeployment"}
    assert images == {f"depthflow:{version[1]}", f"depthflow-flink:{version[1]}"}
    assert f"${{DEPTHFLOW_VERSION:-{version[1]}}}" in (ROOT / "docker-compose.yml").read_text()


def test_secrets_are_described(base: Objects) -> None:
    text = (manifests.K8S / "secrets.md").read_text()
    used = set(re.findall(r"'secretRef': {'name': '([\w-]+)'", str(base))) | {
        source["secretRef"]["name"]
        for _, pod in manifests.pods(base)
        for container in pod["containers"]
        for source in container.get("envFrom", [])
        if "secretRef" in source
    }
    assert used == set(re.findall(r"^\| `(depthflow-\w+)`", text, re.MULTILINE))


def test_two_forwarders_of_each_venue_are_replaced_one_after_the_other(base: Objects) -> None:
    forwarders = {name: each["spec"] for (kind, name), each in base.items() if kind == "StatefulSet"}
    assert forwarders.keys() == {f"forwarder-{venue.replace('_', '-')}" for venue in VENUES}
    for spec in forwarders.values():
        (claim,) = spec["volumeClaimTemplates"]
        assert claim["metadata"]["name"] in {
            each["name"] for each in spec["template"]["spec"]["containers"][0]["volumeMounts"]
        }
        assert spec["replicas"] == 2 and "updateStrategy" not in spec  # Kubernetes' own: one at a time
        assert ("Service", spec["serviceName"]) in base


def test_a_budget_counts_pods_of_controllers(base: Objects) -> None:
    """TaskManagers have no controller of their own: with them a budget would let several JobManagers go at once."""
    budgets = {name: each["spec"] for (kind, name), each in base.items() if kind == "PodDisruptionBudget"}
    assert budgets["flink"]["selector"]["matchLabels"]["component"] == "jobmanager"
    assert {spec["unhealthyPodEvictionPolicy"] for spec in budgets.values()} == {"AlwaysAllow"}


def test_each_image_has_a_job_of_its_own_that_creates_topics(tmp_path: Path) -> None:
    """The template of a Job cannot change."""
    folder = shutil.copytree(manifests.K8S, tmp_path / "k8s") / "overlays" / "prod"
    path, name = folder / "kustomization.yaml", "newName: registry.example.com/depthflow\n"
    path.write_text(path.read_text().replace(name, f"{name}    newTag: 0.2.0\n"))
    for found in (kustomize(folder), templated("prod", "images.depthflow=registry.example.com/depthflow:0.2.0")):
        ((job, spec),) = [(key[1], each["spec"]) for key, each in objects(found).items() if key[0] == "Job"]
        (container,) = spec["template"]["spec"]["containers"]
        assert (job, container["image"]) == ("depthflow-topics-0.2.0", "registry.example.com/depthflow:0.2.0")


def test_the_chart_leaves_the_namespace_to_whoever_creates_the_secrets() -> None:
    assert [name for kind, name in objects(templated("base")) if kind == "Namespace"] == []


@pytest.mark.parametrize("file", sorted((manifests.K8S / "services").glob("*.yaml")), ids=lambda file: file.stem)
def test_values_of_other_charts_keep_transactional_ids_and_large_records(file: Path) -> None:
    text = file.read_text()
    assert list(yaml.safe_load_all(text))
    if file.stem in ("strimzi", "redpanda-values"):
        assert re.search(r"transactional.id.expiration.ms: 86400000", text) and "16777216" in text


Spoil = Callable[[Objects], object]
Find = Callable[..., Iterable[str]]


def main(found: Objects, name: str) -> dict[str, Any]:
    return next(pod for owner, pod in manifests.pods(found) if owner == name)["containers"][0]


def books(found: Objects) -> dict[str, Any]:
    spec: dict[str, Any] = found["FlinkDeployment", "depthflow-books"]["spec"]
    return spec


FAULTS: dict[str, tuple[Spoil, Find, str]] = {
    "unknown field": (
        lambda f: f["Service", "gateway"]["spec"].update(typo=1),
        lambda f: schema_errors(f, manifests.OLDEST),
        "Service gateway: Additional properties are not allowed ('typo' was unexpected)",
    ),
    "wrong type": (
        lambda f: f["Deployment", "notify"]["spec"].update(replicas="1"),
        lambda f: schema_errors(f, manifests.OLDEST),
        "Deployment notify: '1' is not of type 'integer', 'null'",
    ),
    "privileges": (
        lambda f: main(f, "notify")["securityContext"].update(allowPrivilegeEscalation=True),
        manifests.unsafe_pods,
        "notify: may gain privileges",
    ),
    "writable": (
        lambda f: main(f, "depthflow-books")["securityContext"].pop("readOnlyRootFilesystem"),
        manifests.unsafe_pods,
        "depthflow-books: writable root file system",
    ),
    "root": (
        lambda f: books(f)["podTemplate"]["spec"]["securityContext"].update(runAsUser=0),
        manifests.unsafe_pods,
        "depthflow-books: may run as root",
    ),
    "limit": (
        lambda f: main(f, "gateway").pop("resources"),
        manifests.unsafe_pods,
        "gateway: no memory limit",
    ),
    "tag": (
        lambda f: main(f, "gateway").update(image="depthflow:latest"),
        manifests.unsafe_pods,
        "gateway: image depthflow:latest has no fixed version",
    ),
    "secret in arguments": (
        lambda f: main(f, "gateway").update(args=["serve", "--token=x"]),
        manifests.exposed_secrets,
        "gateway: a secret in its arguments or environment",
    ),
    "secret in Flink": (
        lambda f: books(f).update(flinkConfiguration={"s3.secret-key": "x"}),
        manifests.exposed_secrets,
        "FlinkDeployment depthflow-books: a secret in ['s3.secret-key']",
    ),
    "secret in a ConfigMap": (
        lambda f: f["ConfigMap", "depthflow-settings"].update(data={"POSTGRES_DSN": "x"}),
        manifests.exposed_secrets,
        "ConfigMap depthflow-settings: a secret in ['POSTGRES_DSN']",
    ),
    "reference": (
        lambda f: f.pop(("ConfigMap", "forwarder-kraken")),
        manifests.missing_references,
        "forwarder-kraken refers to ConfigMap forwarder-kraken",
    ),
    "selector": (
        lambda f: f["Service", "gateway"]["spec"].update(selector={"app": "gateway"}),
        manifests.unmatched_selectors,
        "Service gateway: selects no pod",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(base: Objects, fault: str) -> None:
    spoil, find, expected = FAULTS[fault]
    assert not list(find(base))
    spoil(base)
    assert expected in list(find(base))


def test_a_planted_fault_of_a_flink_deployment_is_found(
    base: Objects, flink_schema: dict[str, Any], flink_keys: dict[str, set[str]]
) -> None:
    wrong = copy.deepcopy(base)
    books(wrong)["taskManager"]["resources"] = books(wrong)["taskManager"].pop("resource")
    (error,) = flink_errors(wrong, flink_schema)
    assert "'resources' was unexpected" in error
    books(wrong)["flinkConfiguration"] |= {"state.storage.fs.memory-threshold": "1kb", "checkpoint.intervall": "1s"}
    assert unknown_keys(wrong, flink_keys) == ["checkpoint.intervall", "state.storage.fs.memory-threshold"]


def test_a_chart_that_differs_is_found(base: Objects) -> None:
    chart = objects(templated("base"))
    chart["HorizontalPodAutoscaler", "gateway"]["spec"]["maxReplicas"] = 7
    assert chart != base
