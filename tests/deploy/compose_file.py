"""docker-compose.yml as Docker Compose reads it, and the rules that the tests check. Each rule returns its findings."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from core.resources import ROOT

FILE = ROOT / "docker-compose.yml"
VARIABLE = re.compile(r"\$(?:\$|\{(\w+)(?:(:[-?+])((?:[^{}]|\{[^{}]*})*))?})")
ONE_SHOT = ("topics", "schema", "jobs", "cli")
OF_THE_HOST = ("/", "/var/run/docker.sock", "/var/lib/docker/containers")
SECRET = re.compile(r"PASSWORD|SECRET|_DSN|REDIS_URL")
COMPLETED, HEALTHY = "service_completed_successfully", "service_healthy"


class MissingVariable(Exception):
    """A variable of the form ${NAME:?text} that has no value."""


def interpolated(tree: Any, environment: Mapping[str, str]) -> Any:
    """The tree with variables replaced in all values, by the rules of Docker Compose."""
    if isinstance(tree, dict):
        return {key: interpolated(value, environment) for key, value in tree.items()}
    if isinstance(tree, list):
        return [interpolated(value, environment) for value in tree]
    return VARIABLE.sub(lambda match: _value(match, environment), tree) if isinstance(tree, str) else tree


def _value(match: re.Match[str], environment: Mapping[str, str]) -> str:
    name, form, text = match.groups()
    if name is None:
        return "$"
    value = environment.get(name, "")
    if form == ":?" and not value:
        raise MissingVariable(f"{name}: {text}")
    return {":-": value or text, ":+": text if value else ""}.get(form, value)


def raw(file: Path = FILE) -> dict[str, Any]:
    """The file with anchors resolved and variables as they are."""
    loaded: dict[str, Any] = yaml.safe_load(file.read_text())
    return loaded


def secrets_of(tree: Any) -> set[str]:
    """Names of the variables that must have a value."""
    return {match[1] for match in VARIABLE.finditer(str(tree)) if match[2] == ":?"}


def loaded(tree: Any, **environment: str) -> dict[str, Any]:
    """The tree with the given environment, and the value `secret-NAME` for each secret."""
    values: dict[str, Any] = interpolated(tree, {name: f"secret-{name}" for name in secrets_of(tree)} | environment)
    for service in values["services"].values():
        if "replicas" in (deploy := service.get("deploy", {})):
            deploy["replicas"] = int(deploy["replicas"])
    return values


def profiles(tree: dict[str, Any]) -> set[str]:
    return {profile for service in tree["services"].values() for profile in service.get("profiles", ())}


def enabled(tree: dict[str, Any], profile: str) -> dict[str, Any]:
    """Services that run with a profile: those without any, and those of this one."""
    return {
        name: service
        for name, service in tree["services"].items()
        if "profiles" not in service or profile in service["profiles"]
    }


def open_dependencies(tree: dict[str, Any]) -> Iterator[str]:
    """Dependencies on services that a profile does not enable, or with a condition that cannot become true."""
    for profile in profiles(tree) | {""}:
        running = enabled(tree, profile)
        for name, service in running.items():
            for needed, terms in service.get("depends_on", {}).items():
                if needed not in tree["services"] or (needed not in running and terms.get("required", True)):
                    yield f"{name} needs {needed}, which the profile {profile!r} does not enable"
                elif terms["condition"] != (COMPLETED if needed in ONE_SHOT else HEALTHY):
                    yield f"{name} waits for {needed} with the condition {terms['condition']}"


def undocumented(tree: dict[str, Any], documented: str) -> set[str]:
    """Variables that the environment gives and `.env.example` does not name."""
    used = {match[1] for match in VARIABLE.finditer(str(tree)) if match[1]}
    for service in tree["services"].values():
        variables = service.get("environment", {})
        used |= {name for name, value in variables.items() if value is None}
    return used - set(re.findall(r"^# (\w+)=", documented, re.MULTILINE))


def weaknesses(tree: dict[str, Any]) -> Iterator[str]:
    """Services without what every service needs, and what no service may have."""
    for name, service in tree["services"].items():
        image, limits = service["image"], service.get("deploy", {}).get("resources", {}).get("limits", {})
        if not re.search(r":v?\d+\.\d+", image):
            yield f"{name}: image {image} has no fixed version"
        if "test" not in (check := service.get("healthcheck", {})) and not (name in ONE_SHOT and check.get("disable")):
            yield f"{name}: no health check"
        if not limits.keys() >= {"cpus", "memory"}:
            yield f"{name}: no limits"
        if "restart" not in service:
            yield f"{name}: no restart policy"
        if "no-new-privileges:true" not in service.get("security_opt", ()):
            yield f"{name}: may gain privileges"
        if image.startswith("depthflow") and not (service.get("read_only") and service.get("cap_drop") == ["ALL"]):
            yield f"{name}: writable root file system or capabilities"
        for port in service.get("ports", ()):
            if not port.startswith("127.0.0.1:"):
                yield f"{name}: port {port} is published beyond loopback"
        for secret in re.findall(r"secret-(\w+)", str([service.get("command"), service.get("healthcheck")])):
            yield f"{name}: {secret} in a command line"
        for key, value in service.get("environment", {}).items():
            if SECRET.search(key) and value and "secret-" not in value and "://" not in value.partition("@")[2]:
                yield f"{name}: {key} has a value of its own"


def missing_mounts(tree: dict[str, Any], root: Path = ROOT) -> Iterator[str]:
    """Bind mounts of files that do not exist, and volumes that are not declared."""
    for name, service in tree["services"].items():
        for mount in service.get("volumes", ()):
            source = mount.split(":")[0]
            if source.startswith("."):
                if not (root / source).exists():
                    yield f"{name}: {source} does not exist"
            elif source not in OF_THE_HOST and source not in tree["volumes"]:
                yield f"{name}: volume {source} is not declared"
