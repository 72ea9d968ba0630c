"""Addresses of processes with metrics: by a setting, and by registration with the local stack."""

import json
from pathlib import Path

from msgspec import Struct

from core.scrape_targets import targets_folder, unobserved_targets_folder

KINDS = ("forwarder", "gateway", "notify", "recorder", "ring")


class Target(Struct, frozen=True):
    """A process: its kind, host:port, and the venue of a forwarder where it is known."""

    kind: str
    address: str
    venue: str | None = None


def parse_targets(text: str) -> list[Target]:
    """Targets of `KIND=HOST:PORT` with commas between them. Raises ValueError that names the wrong part."""
    found = []
    for part in filter(None, (each.strip() for each in text.split(","))):
        kind, _, address = part.partition("=")
        host, _, port = address.rpartition(":")
        if kind not in KINDS or not host or not port.isdigit():
            raise ValueError(f"expected KIND=HOST:PORT with kind one of {', '.join(KINDS)}, got {part!r}")
        found.append(Target(kind, address))
    return found


def registered_targets(home: Path) -> list[Target]:
    """Processes that registered with the local stack. Files that are not readable are skipped."""
    found = []
    folders = targets_folder(home), unobserved_targets_folder(home)
    for file in sorted(file for folder in folders for file in folder.glob("*.json")):
        try:
            for group in json.loads(file.read_text()):
                labels = group["labels"]
                found += [Target(labels["job"], address, labels.get("venue")) for address in group["targets"]]
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return [each for each in found if each.kind in KINDS]
