"""Prometheus, Alertmanager and the exporters of `up --observe`. The programs are those of Debian's packages."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import yaml

from core.resources import DATA
from core.scrape_targets import targets_folder, unobserved_targets_folder
from stack.services import jars
from stack.services.credentials import DATABASE, READER, REDIS_PASSWORD, ROLES, Credentials
from stack.services.errors import StackError
from stack.services.ports import check_ports, taken_ports
from stack.services.secret_file import write_secret
from stack.services.settings import LOOPBACK, RESPONDS_WITHIN_S, StackSettings
from stack.services.supervisord_config import Program

CONFIGURATION = DATA / "deploy" / "prometheus"
PROMETHEUS, ALERTMANAGER = "prometheus", "prometheus-alertmanager"
POSTGRES, REDIS, NODE = "prometheus-postgres-exporter", "prometheus-redis-exporter", "prometheus-node-exporter"
PACKAGES = (PROMETHEUS, ALERTMANAGER, POSTGRES, REDIS, NODE)  # each has a program of its name
SCRAPE_INTERVAL = "5s"
REGISTERED = ("forwarder", "gateway", "notify")  # jobs whose processes register themselves, as recorders do


def missing() -> list[str]:
    """Packages that are not installed."""
    return [name for name in PACKAGES if shutil.which(name) is None]


def advice(packages: list[str]) -> str:
    """A line with the command that installs these packages; empty if there are none."""
    names = " ".join(packages)
    return f"Not installed: {', '.join(packages)}. On Debian: apt-get install {names}" if packages else ""


def is_observed(home: Path) -> bool:
    """True if the stack was started with `--observe`."""
    return targets_folder(home).is_dir()


def require_observed(home: Path) -> None:
    """Raises StackError for a running stack whose processes have no metrics."""
    if not is_observed(home):
        raise StackError(
            "The stack runs without metrics, and Java processes cannot add them later",
            "Run `depthflow down`, then `depthflow up --observe`; the jobs go on",
        )


def forget(home: Path) -> None:
    """Note that the stack is started without `--observe`, and forget processes of earlier times."""
    for folder in (targets_folder(home), unobserved_targets_folder(home)):
        shutil.rmtree(folder, ignore_errors=True)


def require_ports(settings: StackSettings) -> None:
    """Raises StackError that names every taken port. Flink's ports move together."""
    flink = taken_ports({str(port): port for port in settings.flink_metrics_ports}).values()
    first = next(iter(flink), settings.flink_metrics_port)
    check_ports(settings.observed_ports() | {"FLINK_METRICS_PORT": first})


def kafka_agent(settings: StackSettings) -> list[str]:
    """Java options with which the broker serves its metrics."""
    address = f"{LOOPBACK}:{settings.kafka_metrics_port}"
    agent = f"-javaagent:{jars.metrics_agent()}={address}:{CONFIGURATION / 'kafka-jmx.yml'}"
    return [agent, f"-Djava.util.logging.config.file={CONFIGURATION / 'kafka-agent-logging.properties'}"]


def prepare(settings: StackSettings, credentials: Credentials) -> None:
    """Write the configuration of every program. Files with a password are readable by their owner alone."""
    forget(settings.home)
    targets_folder(settings.home).mkdir(parents=True)
    folder = _conf(settings)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "prometheus.yml").write_text(yaml.safe_dump(prometheus_configuration(settings), sort_keys=False))
    write_secret(folder / "postgres-password", credentials.passwords[ROLES[READER]])
    write_secret(folder / "redis.json", json.dumps({_redis(settings): credentials.passwords[REDIS_PASSWORD]}))


def prometheus_configuration(settings: StackSettings) -> dict[str, Any]:
    """The configuration of deploy/prometheus, with the addresses of this stack."""
    loaded: dict[str, Any] = yaml.safe_load((CONFIGURATION / "prometheus.yml").read_text())
    loaded["global"] = {"scrape_interval": SCRAPE_INTERVAL, "evaluation_interval": SCRAPE_INTERVAL}
    loaded["rule_files"] = [str(CONFIGURATION / "rules" / "*.yml")]
    addresses = _addresses(settings)
    loaded["alerting"] = {"alertmanagers": [{"static_configs": [{"targets": addresses["alertmanager"]}]}]}
    jobs = [job for job in loaded["scrape_configs"] if job["job_name"] not in REGISTERED]
    loaded["scrape_configs"] = [_job(job, addresses[job["job_name"]]) for job in jobs if job["job_name"] in addresses]
    files = [str(targets_folder(settings.home) / "*.json")]
    loaded["scrape_configs"].append(
        {
            "job_name": "processes",  # each target has its own label `job`
            "honor_labels": True,
            "file_sd_configs": [{"files": files, "refresh_interval": SCRAPE_INTERVAL}],
        }
    )
    return loaded


def programs(settings: StackSettings) -> list[Program]:
    """The programs that are installed."""
    return [program for program in _programs(settings) if shutil.which(program.name)]


def health_checks(settings: StackSettings) -> dict[str, Any]:
    """A check for each server that has one."""
    urls = {PROMETHEUS: settings.prometheus_url, ALERTMANAGER: settings.alertmanager_url}
    return {name: lambda url=url: _is_ready(url) for name, url in urls.items()}


def _job(job: dict[str, Any], targets: list[str]) -> dict[str, Any]:
    kept = {key: value for key, value in job.items() if not key.endswith("_sd_configs")}
    if job["job_name"] == "kafka":
        del kept["metrics_path"]  # of Redpanda
    return kept | {"static_configs": [{"targets": targets}]}


def _addresses(settings: StackSettings) -> dict[str, list[str]]:
    """Targets by job, of the programs that run."""
    exporters = {
        "prometheus": (PROMETHEUS, settings.prometheus_port),
        "alertmanager": (ALERTMANAGER, settings.alertmanager_port),
        "postgres": (POSTGRES, settings.postgres_exporter_port),
        "redis": (REDIS, settings.redis_exporter_port),
        "node": (NODE, settings.node_exporter_port),
    }
    ports = {job: [port] for job, (program, port) in exporters.items() if shutil.which(program)}
    ports |= {"kafka": [settings.kafka_metrics_port], "flink": [*settings.flink_metrics_ports]}
    return {job: [f"{LOOPBACK}:{port}" for port in each] for job, each in ports.items()}


def _programs(settings: StackSettings) -> Iterator[Program]:
    conf, data = _conf(settings), settings.home / "prometheus"
    yield _program(
        PROMETHEUS,
        settings.prometheus_port,
        f"--config.file={conf / 'prometheus.yml'}",
        f"--storage.tsdb.path={data}",
        "--storage.tsdb.retention.time=15d",
        "--storage.tsdb.retention.size=2GB",
        "--log.format=json",
    )
    yield _program(
        ALERTMANAGER,
        settings.alertmanager_port,
        f"--config.file={CONFIGURATION / 'alertmanager.yml'}",
        f"--storage.path={settings.home / 'alertmanager'}",
        "--cluster.listen-address=",
        "--log.format=json",
    )
    postgres = {
        "DATA_SOURCE_URI": f"{LOOPBACK}:{settings.postgres_port}/{DATABASE}?sslmode=disable",
        "DATA_SOURCE_USER": READER,
        "DATA_SOURCE_PASS_FILE": str(conf / "postgres-password"),
    }
    queries = f"--extend.query-path={CONFIGURATION / 'postgres-queries.yml'}"
    yield _program(POSTGRES, settings.postgres_exporter_port, queries, "--log.format=json", environment=postgres)
    redis = [f"-redis.addr={_redis(settings)}", f"-redis.password-file={conf / 'redis.json'}", "-log-format=json"]
    yield _program(REDIS, settings.redis_exporter_port, *redis)
    yield _program(NODE, settings.node_exporter_port, "--log.format=json")


def _program(name: str, port: int, *options: str, environment: dict[str, str] | None = None) -> Program:
    return Program(name, [name, f"--web.listen-address={LOOPBACK}:{port}", *options], environment or {})


def _redis(settings: StackSettings) -> str:
    return f"redis://{LOOPBACK}:{settings.redis_port}"


def _conf(settings: StackSettings) -> Path:
    return settings.home / "conf" / "prometheus"


def _is_ready(url: str) -> bool:
    with urlopen(f"{url}/-/ready", timeout=RESPONDS_WITHIN_S) as response:
        return bool(response.status == 200)
