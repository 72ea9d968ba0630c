"""Memory of TaskManagers on Kubernetes: Flink's arithmetic leaves room for Python outside the heap, and a heap."""

import pytest

from core.settings import Settings
from tests.deploy.manifests import FOLDERS, objects, templated

pytestmark = pytest.mark.timeout(1500)  # the first run builds helm

METASPACE, MOST_OVERHEAD, FRAMEWORK, LEAST_NETWORK = 256, 1024, 2 * 128, 64  # MiB, Flink's defaults
INTERPRETER, LEAST_HEAP = 400, 350  # MiB; docker-compose.yml gives 345 of heap for tasks to 1,200
# By size of the process: what `BashJavaUtils GET_TM_RESOURCE_PARAMS` of Flink 2.2.1 prints, overhead at least 768.
MEASURED = {1536: (768, 140), 1792: (768, 358), 2048: (768, 563), 4096: (768, 2201), 12288: (1024, 8550)}


def parts(process: int, options: dict[str, str]) -> tuple[int, int]:
    """Memory outside Flink's own (Java's overhead, with Python) and heap of tasks, MiB, of a process of this size."""
    least = int(options["taskmanager.memory.jvm-overhead.min"].removesuffix("m"))
    overhead = min(max(least, process // 10), MOST_OVERHEAD)
    flink = process - METASPACE - overhead
    managed = flink * float(options["taskmanager.memory.managed.fraction"])
    return overhead, int(flink - managed - FRAMEWORK - max(LEAST_NETWORK, flink / 10))


def test_the_parts_are_those_that_flink_reports() -> None:
    options = {"taskmanager.memory.jvm-overhead.min": "768m", "taskmanager.memory.managed.fraction": "0.1"}
    assert {process: parts(process, options) for process in MEASURED} == MEASURED


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
        assert heap >= LEAST_HEAP, f"{folder}, {name}: {heap} MiB of heap for tasks"
