"""docker-compose.yml: its schema, the closure of its profiles, its variables, and what each service must have."""

import copy
import json
import re
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from compose_spec import PyCompose

from core.resources import ROOT
from core.settings import Settings
from jobs.submit import JOBS
from stack.services.kafka import server_properties
from stack.services.settings import StackSettings
from stack.services.zookeeper import client_keys
from stack.services.zookeeper import server_properties as zookeeper_properties
from tests.deploy import compose_file, go_tools
from tests.deploy.compose_file import MissingVariable, interpolated, loaded

RAW = compose_file.raw()
EXAMPLE = (ROOT / ".env.example").read_text()
OPTIONS = (
    "with-notify",
    "with-grafana",
    "with-pgadmin",
    "with-console",
    "with-monitoring",
    "with-logs",
    "with-elastic",
)
CLIENT = re.compile(r"kafka_s(asl|sl|ecurity)")  # the compose file's own broker has no authentication


@pytest.fixture
def tree() -> dict[str, Any]:
    """The file with every secret set; a test may change it."""
    return loaded(copy.deepcopy(RAW))


def schema_error(tree: dict[str, Any]) -> str:
    """The parser's error for the tree; empty if it is valid."""
    try:
        PyCompose.from_json(json.dumps(tree))
    except ValueError as error:
        return str(error)
    return ""


def test_the_file_follows_the_compose_specification(tree: dict[str, Any]) -> None:
    assert schema_error(tree) == ""


def test_every_profile_has_what_its_services_depend_on(tree: dict[str, Any]) -> None:
    assert list(compose_file.open_dependencies(tree)) == []
    assert compose_file.profiles(tree) == {*OPTIONS, "simulated", "tools"}


def test_every_variable_is_in_the_example_file() -> None:
    assert compose_file.undocumented(RAW, EXAMPLE) == set()


def test_every_variable_of_the_example_files_part_is_used() -> None:
    documented = set(re.findall(r"^# (\w+)=", EXAMPLE.partition("# docker-compose.yml")[2], re.MULTILINE))
    assert compose_file.undocumented(RAW, "") >= documented - {"COMPOSE_PROFILES"}


def test_every_service_has_a_version_a_health_check_limits_and_no_open_port(tree: dict[str, Any]) -> None:
    assert list(compose_file.weaknesses(tree)) == []


def test_every_mounted_file_exists(tree: dict[str, Any]) -> None:
    assert list(compose_file.missing_mounts(tree)) == []


def plant(tree: dict[str, Any], service: str, **values: Any) -> dict[str, Any]:
    tree["services"][service] |= values
    return tree


@pytest.fixture(scope="module")
def loader() -> Path:
    """The loader of Docker Compose itself, built from its Go module."""
    return go_tools.own("compose_loader")


def project(loader: Path, profile: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [str(loader), str(compose_file.FILE), profile]
    return subprocess.run(command, env={"PATH": "/usr/bin"} | environment, capture_output=True, text=True, timeout=60)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("profile", ["", "with-redpanda", "simulated", *OPTIONS])
def test_docker_compose_reads_the_file_as_this_test_does(loader: Path, profile: str) -> None:
    secrets = {name: f"secret-{name}" for name in compose_file.secrets_of(RAW)} | {
        "SIMULATED": "1",
        "SYMBOLS": "SOLUSDT",
    }
    done = project(loader, profile, secrets)
    assert done.returncode == 0, done.stderr
    services = json.loads(done.stdout)["services"]
    ours = compose_file.enabled(loaded(RAW, SIMULATED="1", SYMBOLS="SOLUSDT"), profile)
    assert services.keys() == ours.keys()
    for name, service in services.items():
        given = {key: value for key, value in ours[name].get("environment", {}).items() if value is not None}
        assert service.get("environment", {}).items() >= given.items()
        assert (
            service["command"] == ours[name]["command"] if "command" in ours[name] else service.get("command") is None
        )


@pytest.mark.timeout(900)
def test_docker_compose_names_a_missing_secret(loader: Path) -> None:
    secrets = {name: "x" for name in compose_file.secrets_of(RAW) - {"JWT_SECRET"}}
    done = project(loader, "", secrets)
    assert done.returncode == 1
    assert "required variable JWT_SECRET is missing a value: run `make env`" in done.stderr


Spoil = Callable[[dict[str, Any]], object]
Find = Callable[[dict[str, Any]], str | list[str]]
FAULTS: dict[str, tuple[Spoil, Find, str]] = {
    "schema": (lambda t: plant(t, "redis", restart="sometimes"), schema_error, "sometimes"),
    "unknown key": (lambda t: plant(t, "redis", helthcheck={}), schema_error, "helthcheck"),
    "dependency": (
        lambda t: plant(t, "gateway", depends_on={"grafana": {"condition": "service_healthy"}}),
        lambda t: sorted(set(compose_file.open_dependencies(t))),
        "gateway needs grafana, which the profile '' does not enable",
    ),
    "condition": (
        lambda t: plant(t, "gateway", depends_on={"topics": {"condition": "service_healthy"}}),
        lambda t: sorted(set(compose_file.open_dependencies(t))),
        "gateway waits for topics with the condition service_healthy",
    ),
    "variable": (
        lambda t: plant(t, "redis", environment={"A": "${NOWHERE:-1}"}),
        lambda t: sorted(compose_file.undocumented(t, EXAMPLE)),
        "NOWHERE",
    ),
    "tag": (
        lambda t: plant(t, "redis", image="valkey/valkey:latest"),
        lambda t: list(compose_file.weaknesses(t)),
        "redis: image valkey/valkey:latest has no fixed version",
    ),
    "health": (
        lambda t: plant(t, "redis", healthcheck={"disable": True}),
        lambda t: list(compose_file.weaknesses(t)),
        "redis: no health check",
    ),
    "limits": (
        lambda t: plant(t, "redis", deploy={}),
        lambda t: list(compose_file.weaknesses(t)),
        "redis: no limits",
    ),
    "port": (
        lambda t: plant(t, "redis", ports=["6379:6379"]),
        lambda t: list(compose_file.weaknesses(t)),
        "redis: port 6379:6379 is published beyond loopback",
    ),
    "secret": (
        lambda t: plant(t, "redis", command=["valkey-server", "--requirepass", "secret-REDIS_PASSWORD"]),
        lambda t: list(compose_file.weaknesses(t)),
        "redis: REDIS_PASSWORD in a command line",
    ),
    "default": (
        lambda t: plant(t, "redis", environment={"REDIS_PASSWORD": "changeme"}),
        lambda t: list(compose_file.weaknesses(t)),
        "redis: REDIS_PASSWORD has a value of its own",
    ),
    "writable": (
        lambda t: plant(t, "ingestion", read_only=False),
        lambda t: list(compose_file.weaknesses(t)),
        "ingestion: writable root file system or capabilities",
    ),
    "mount": (
        lambda t: plant(t, "redis", volumes=["./deploy/nowhere:/x:ro"]),
        lambda t: list(compose_file.missing_mounts(t)),
        "redis: ./deploy/nowhere does not exist",
    ),
    "volume": (
        lambda t: plant(t, "redis", volumes=["cache:/data"]),
        lambda t: list(compose_file.missing_mounts(t)),
        "redis: volume cache is not declared",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(tree: dict[str, Any], fault: str) -> None:
    spoil, find, expected = FAULTS[fault]
    assert not find(tree)
    spoil(tree)
    assert expected in find(tree)


@pytest.mark.parametrize("name", sorted(compose_file.secrets_of(RAW)))
def test_a_missing_secret_stops_with_its_name(name: str) -> None:
    others = {each: "x" for each in compose_file.secrets_of(RAW) - {name}}
    with pytest.raises(MissingVariable, match=rf"^{name}: run `make env`$"):
        interpolated(RAW, others)


def test_make_env_writes_what_is_missing_and_keeps_the_rest(tmp_path: Path) -> None:
    (tmp_path / "docker-compose.yml").write_bytes(compose_file.FILE.read_bytes())
    env = tmp_path / ".env"
    env.write_text("SYMBOLS=ETHUSDT\nREDIS_PASSWORD=mine\nJWT_SECRET=")
    make_env = [sys.executable, str(ROOT / "deploy" / "compose" / "make_env.py")]
    outputs = [subprocess.run(make_env, cwd=tmp_path, check=True, capture_output=True, text=True).stdout for _ in "12"]
    values = dict(line.split("=", 1) for line in env.read_text().splitlines())
    assert values["SYMBOLS"] == "ETHUSDT" and values["REDIS_PASSWORD"] == "mine"
    assert interpolated(RAW, values)["services"]["redis"]["environment"]["REDIS_PASSWORD"] == "mine"
    drawn = [values[name] for name in compose_file.secrets_of(RAW) - {"REDIS_PASSWORD"}]
    assert len(set(drawn)) == len(drawn) and all(len(value) >= 43 for value in drawn)
    assert stat.S_IMODE(env.stat().st_mode) == 0o600
    assert "REDIS_PASSWORD" not in outputs[0] and "JWT_SECRET" in outputs[0]
    assert outputs[1] == ".env has every secret already\n"


@pytest.mark.parametrize(
    "name", ["ingestion", "timescaledb", "redis", "redpanda", "gateway", "dashboard", "jobmanager"]
)
def test_services_have_the_names_that_operators_know(tree: dict[str, Any], name: str) -> None:
    assert name in compose_file.enabled(tree, "with-redpanda") == compose_file.enabled(tree, "")


def test_jobs_get_every_setting_of_the_pipeline(tree: dict[str, Any]) -> None:
    given = {name.lower() for name in tree["services"]["jobs"]["environment"]}
    expected = {name for name in Settings.model_fields if not CLIENT.match(name)}
    assert given == expected - {"depthflow_home", "java_home", "run_id"}


def test_settings_of_the_example_file_reach_the_services() -> None:
    names = {"SYMBOLS": "SOLUSDT", "CALCULATE_DEPTH": "5", "DEPTH_LEVELS": "50", "ALERT_THRESHOLD_HIGH": "0.9"}
    services = loaded(RAW, **names)["services"]
    assert services["ingestion"]["environment"]["SYMBOLS"] == "SOLUSDT"
    passed_on = services["jobs"]["environment"]
    assert all(name in passed_on and passed_on[name] is None for name in names if name != "SYMBOLS")


def test_the_delivery_guarantee_is_said(tree: dict[str, Any]) -> None:
    assert tree["services"]["jobs"]["environment"]["DELIVERY_GUARANTEE"] == "exactly-once"
    assert "redpanda#7975" in compose_file.FILE.read_text()


def test_forwarders_connect_to_simulators_when_simulated_is_set() -> None:
    for simulated in ("", "1"):
        services = loaded(RAW, SIMULATED=simulated)["services"]
        for name in (each for each in services if each.startswith("ingestion")):
            url, (simulator,) = (
                services[name]["environment"]["WS_URL"],
                (each for each in services[name]["depends_on"] if each.startswith("simulator")),
            )
            assert url == (f"ws://{simulator}:9443" if simulated else "")
            assert services[simulator]["environment"]["SIMULATED"] == simulated


def test_prometheus_scrapes_services_of_its_profile_and_every_process_of_ours(tree: dict[str, Any]) -> None:
    jobs = compose_file.raw(ROOT / "deploy" / "prometheus" / "prometheus.yml")["scrape_configs"]
    hosts = set()
    for job in jobs:
        hosts |= {target.split(":")[0] for each in job.get("static_configs", ()) for target in each["targets"]}
        hosts |= {name for each in job.get("dns_sd_configs", ()) for name in each["names"]}
    assert hosts - {"localhost", "notify"} <= compose_file.enabled(tree, "with-monitoring").keys()
    forwarders = {name for name in tree["services"] if name.startswith("ingestion")}
    assert hosts >= forwarders | {"jobmanager", "taskmanager", "gateway", "notify", "redpanda"}


def test_shippers_get_the_addresses_that_their_configurations_read(tree: dict[str, Any]) -> None:
    for service, file in (("alloy", "config.alloy"), ("filebeat", "filebeat.yml")):
        text = (ROOT / "deploy" / "logs" / file).read_text()
        read = set(re.findall(r"sys\.env\(\"(\w+)\"\)|\$\{(\w+)}", text))
        assert {a or b for a, b in read} == tree["services"][service]["environment"].keys()


def test_grafana_gets_the_variables_of_its_provisioning(tree: dict[str, Any]) -> None:
    files = (ROOT / "deploy" / "grafana" / "provisioning").rglob("*.yaml")
    read = {name for file in files for name in re.findall(r"\$([A-Z]\w+)", file.read_text())}
    assert read <= tree["services"]["grafana"]["environment"].keys()


def test_taskmanagers_have_a_slot_for_each_job_and_a_query(tree: dict[str, Any]) -> None:
    assert int(tree["services"]["taskmanager"]["deploy"]["replicas"]) > len(JOBS)


def test_redpanda_remembers_transactions_as_long_as_the_local_broker(tmp_path: Path) -> None:
    properties = compose_file.raw(ROOT / "deploy" / "compose" / "redpanda.yaml")
    local = server_properties(StackSettings(depthflow_home=tmp_path))
    assert str(properties["transactional_id_expiration_ms"]) == local["transactional.id.expiration.ms"]
    assert str(properties["kafka_batch_max_bytes"]) == local["message.max.bytes"]


def test_availability_is_that_of_the_local_stack(tree: dict[str, Any], tmp_path: Path) -> None:
    """The same ZooKeeper settings, but for paths, addresses and the whitelist of the health check."""
    settings = StackSettings(depthflow_home=tmp_path)
    text = (ROOT / "deploy" / "compose" / "zoo.cfg").read_text()
    server = dict(line.split("=", 1) for line in text.splitlines())
    local = zookeeper_properties(settings)
    assert {k: v for k, v in server.items() if k not in ("dataDir", "4lw.commands.whitelist")} == {
        k: v for k, v in local.items() if k not in ("dataDir", "clientPortAddress")
    }
    options = dict(
        each[2:].split("=", 1)
        for each in tree["services"]["jobmanager"]["command"]
        if each.startswith("-D") and len(each) > 2
    )
    available = {key: value for key, value in options.items() if key.startswith("high-availability")}
    assert available.keys() <= client_keys(settings).keys()
    workers = {
        each[2:].split("=")[0]
        for each in tree["services"]["taskmanager"]["command"]
        if each.startswith("-D") and len(each) > 2
    }
    assert available.keys() - workers == {"high-availability.jobmanager.port"}
