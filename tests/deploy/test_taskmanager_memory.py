"""Memory of TaskManagers on Kubernetes: Flink's arithmetic leaves room for Python outside the heap, and a heap."""

import pytest

from core.settings import Settings
from tests.deploy.manifests import FOLDERS, objects, templated

pytestmark = pytest.mark.timeout(1500)  # the first run builds helm

METASPACE, FRAMEWORK_OFF_HEAP, LEAST_NETWORK = 256, 128, 64  # MiB, Flink's defaults
INTERPRETER, LEAST_HEAP = 400, 450  # MiB; docker-compose.yml gives 474 of heap to 1,200


def parts(process: int, options: dict[str, str]) -> tuple[int, int]:
    """Memory outside Flink's own (Java's overhead, with Python) and heap, MiB, of a process of this size."""
    least = int(options["taskmanager.memory.jvm-overhead.min"].removesuffix("m"))
    overhead = max(least, process // 10)
    flink = process - METASPACE - overhead
    managed = round(flink * float(options["taskmanager.memory.managed.fraction"]))
    return overhead, flink - managed - FRAMEWORK_OFF_HEAP - max(LEAST_NETWORK, flink // 10)


@pytest.mark.parametrize("folder", sorted(FOLDERS))
def test_python_has_room_beside_the_heap(folder: str) -> None:
    """The chart's objects are those of kustomize (`test_kubernetes.py`)."""
    cache = Settings(_env_file=None).builder_cache_mb
    found = {
        name: each["spec"] for (kind, name), each in objects(templated(folder)).items() if kind == "FlinkDeployment"
    }
    assert found
    for name, spec in found.items():
        process = int(spec["taskManager"]["resource"]["memory"].removesuffix("m"))
        outside, heap = parts(process, spec["flinkConfiguration"])
        assert outside >= cache + INTERPRETER, f"{folder}, {name}: {outside} MiB for Python"
        assert heap >= LEAST_HEAP, f"{folder}, {name}: {heap} MiB of heap"
