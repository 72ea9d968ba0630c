"""The running stack: a second `up`, processes that die. `tests/stack/test_wheel.py` stops and starts a small one."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any
from urllib.request import Request, urlopen

import psutil
import psycopg
import pytest
from kafka import KafkaProducer

from core.topics import RAW_BOOKS
from stack.services import flink_rest, health, lifecycle
from stack.services.credentials import load_credentials
from stack.services.errors import StackError
from stack.services.progress import Progress
from stack.services.supervisor import Supervisor
from tests.conftest import Stack
from tests.stack_processes import kill

WITHIN_S = 60


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not condition():
        assert time.monotonic() < deadline, "the condition did not hold in time"
        time.sleep(0.1)


def pids(stack: Stack) -> dict[str, int]:
    return {process.name: process.pid for process in Supervisor(stack.home).processes()}


def data_ports(stack: Stack) -> dict[str, int]:
    """Data port of every registered TaskManager, which differs after each start, by its name."""
    return {each.id: each.data_port for each in flink_rest.taskmanagers(stack.settings)}


def responds(stack: Stack, part: str) -> bool:
    checks = health.health_checks(stack.settings, load_credentials(stack.settings), Supervisor(stack.home))
    return health.is_healthy(checks[part])


def status(stack: Stack) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "stack", "status", "--home", str(stack.home)]
    return subprocess.run(command, capture_output=True, text=True)


def test_status_exits_with_0_and_prints_every_address(stack: Stack) -> None:
    shown = status(stack)
    assert shown.returncode == 0, shown.stdout
    assert stack.kafka in shown.stdout and stack.flink_url in shown.stdout and "orderbook.raw" in shown.stdout


def test_a_second_up_starts_nothing(stack: Stack) -> None:
    before = pids(stack)
    assert not lifecycle.up(stack.settings, Progress())
    assert pids(stack) == before


def test_up_with_other_ports_is_refused_while_the_stack_runs(stack: Stack) -> None:
    other = stack.settings.model_copy(update={"kafka_port": 1})
    with pytest.raises(StackError, match=f"runs with KAFKA_PORT={stack.settings.kafka_port}"):
        lifecycle.up(other, Progress())


def post(url: str, **body: object) -> Any:
    request = Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urlopen(request, timeout=30) as response:
        return json.load(response)


def test_the_gateway_is_started_on_request_and_executes_sql(stack: Stack) -> None:
    assert "sql-gateway" not in pids(stack)
    assert lifecycle.up(stack.settings, Progress(), gateway=True)
    assert not lifecycle.up(stack.settings, Progress(), gateway=True)
    session = (
        f"{stack.settings.gateway_url}/v1/sessions/{post(f'{stack.settings.gateway_url}/v1/sessions')['sessionHandle']}"
    )
    operation = post(f"{session}/statements", statement="SHOW CATALOGS")["operationHandle"]
    result = f"{session}/operations/{operation}/result/0"
    wait_for(lambda: "default_catalog" in urlopen(result, timeout=30).read().decode())
    shown = status(stack)
    assert shown.returncode == 0 and stack.settings.gateway_url in shown.stdout, shown.stdout


def test_everything_listens_on_loopback_only(stack: Stack) -> None:
    ours = [process for process in psutil.process_iter() if process.pid in pids(stack).values()]
    listening = [c for p in ours for c in p.net_connections("tcp") if c.status == psutil.CONN_LISTEN]
    assert {c.laddr.ip.removeprefix("::ffff:") for c in listening} == {"127.0.0.1"}


def test_a_record_of_the_largest_size_is_accepted(stack: Stack) -> None:
    producer = KafkaProducer(bootstrap_servers=stack.kafka, max_request_size=2**24)
    producer.send(RAW_BOOKS.name, os.urandom(10_000_000)).get(timeout=30)
    producer.close()


def test_the_writer_can_read_rows_but_not_drop_tables(stack: Stack) -> None:
    dsn = load_credentials(stack.settings).postgres_dsn(stack.settings, "depthflow_writer")
    with psycopg.connect(dsn) as connection:
        connection.execute("SELECT count(*) FROM orderbook_metrics")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("DROP TABLE orderbook_metrics")


@pytest.mark.parametrize("part", ["kafka", "postgres", "valkey"])
def test_a_killed_process_is_restarted(stack: Stack, part: str) -> None:
    killed = kill(stack.home, part)
    wait_for(lambda: pids(stack)[part] not in (0, killed) and responds(stack, part))
    assert Supervisor(stack.home).restarts()[part] >= 1


def test_a_killed_taskmanager_is_replaced(stack: Stack) -> None:
    before = data_ports(stack)
    kill(stack.home, "taskmanager-1")
    wait_for(lambda: data_ports(stack).get("taskmanager-1", before["taskmanager-1"]) != before["taskmanager-1"])
    after = data_ports(stack)
    assert {name for name in before if after.get(name) != before[name]} == {"taskmanager-1"}


def test_kills_of_a_taskmanager_leave_no_files_of_its_earlier_processes(stack: Stack) -> None:
    def size() -> int:
        return sum(file.lstat().st_size for file in (stack.home / "tmp").rglob("*") if file.is_file())

    before = size()
    for _ in range(3):
        port = data_ports(stack)["taskmanager-1"]
        kill(stack.home, "taskmanager-1")
        wait_for(lambda port=port: data_ports(stack).get("taskmanager-1", port) != port)
    assert size() < before + 10_000_000


def test_a_killed_zookeeper_is_restarted_without_a_new_leader(stack: Stack) -> None:
    jobmanager = pids(stack)["jobmanager"]
    killed = kill(stack.home, "zookeeper")
    wait_for(lambda: pids(stack)["zookeeper"] not in (0, killed) and responds(stack, "zookeeper"))
    wait_for(lambda: responds(stack, "flink"))
    assert pids(stack)["jobmanager"] == jobmanager
