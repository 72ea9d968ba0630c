"""The running stack: twice up is one, what dies comes back, down leaves nothing and loses nothing."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any
from urllib.request import Request, urlopen

import psutil
import psycopg
import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from market.topics import RAW_BOOKS
from stack import flink_rest, lifecycle, ready
from stack.credentials import load_credentials
from stack.errors import StackError
from stack.orphans import marked
from stack.ports import taken_ports
from stack.processes import Supervisor
from stack.report import Reporter
from stack.taskmanagers import refresh_idle_taskmanagers
from tests.conftest import Stack

WITHIN_S = 60


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.1)


def pids(stack: Stack) -> dict[str, int]:
    return {process.name: process.pid for process in Supervisor(stack.home).processes()}


def answers(stack: Stack, part: str) -> bool:
    supervisor = Supervisor(stack.home)
    return ready.answers(ready.probes(stack.settings, load_credentials(stack.settings), supervisor)[part])


def status(stack: Stack) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "stack", "status", "--home", str(stack.home)]
    return subprocess.run(command, capture_output=True, text=True)


def test_status_is_0_and_says_where_everything_is(stack: Stack) -> None:
    shown = status(stack)
    assert shown.returncode == 0, shown.stdout
    assert stack.kafka in shown.stdout and stack.flink_url in shown.stdout and "orderbook.raw" in shown.stdout


def test_up_twice_is_one_stack(stack: Stack) -> None:
    before = pids(stack)
    assert not lifecycle.up(stack.settings, Reporter())
    assert pids(stack) == before


def test_up_with_other_ports_is_refused_while_the_stack_runs(stack: Stack) -> None:
    other = stack.settings.model_copy(update={"kafka_port": 1})
    with pytest.raises(StackError, match=f"runs with KAFKA_PORT={stack.settings.kafka_port}"):
        lifecycle.up(other, Reporter())


def post(url: str, **body: object) -> Any:
    request = Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urlopen(request, timeout=30) as response:
        return json.load(response)


def test_a_gateway_is_started_when_it_is_asked_for_and_answers_sql(stack: Stack) -> None:
    assert "sql-gateway" not in pids(stack)
    assert lifecycle.up(stack.settings, Reporter(), gateway=True)
    assert not lifecycle.up(stack.settings, Reporter(), gateway=True)
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


def test_a_record_of_the_largest_size_passes(stack: Stack) -> None:
    producer = KafkaProducer(bootstrap_servers=stack.kafka, max_request_size=2**24)
    producer.send(RAW_BOOKS.name, os.urandom(10_000_000)).get(timeout=30)
    producer.close()


def test_the_writer_may_write_rows_and_not_drop_tables(stack: Stack) -> None:
    dsn = load_credentials(stack.settings).postgres_dsn(stack.settings, "depthflow_writer")
    with psycopg.connect(dsn) as connection:
        connection.execute("SELECT count(*) FROM orderbook_metrics")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("DROP TABLE orderbook_metrics")


@pytest.mark.parametrize("part", ["kafka", "postgres", "valkey"])
def test_a_killed_part_comes_back(stack: Stack, part: str) -> None:
    killed = pids(stack)[part]
    os.kill(killed, signal.SIGKILL)
    wait_for(lambda: pids(stack)[part] not in (0, killed) and answers(stack, part))
    assert Supervisor(stack.home).restarts()[part] >= 1


def test_a_killed_taskmanager_is_replaced(stack: Stack) -> None:
    before = set(flink_rest.taskmanagers(stack.settings))
    os.kill(pids(stack)["taskmanager-1"], signal.SIGKILL)
    others = {worker for worker in before if worker.id != "taskmanager-1"}
    wait_for(lambda: len(set(flink_rest.taskmanagers(stack.settings)) - before) == 1)
    assert others < set(flink_rest.taskmanagers(stack.settings))


def test_idle_taskmanagers_older_than_the_code_are_started_afresh(stack: Stack) -> None:
    before = pids(stack)
    assert refresh_idle_taskmanagers(stack.settings, newer_than=0) == []
    assert refresh_idle_taskmanagers(stack.settings, newer_than=time.time()) == stack.settings.taskmanagers
    assert not set(before.values()) & {pids(stack)[name] for name in stack.settings.taskmanagers}


def test_up_recovers_from_a_killed_supervisor(stack: Stack) -> None:
    supervisor, before = Supervisor(stack.home), pids(stack)
    os.kill(supervisor.pid(), signal.SIGKILL)
    wait_for(lambda: not supervisor.alive())
    assert status(stack).returncode == 3
    assert lifecycle.up(stack.settings, Reporter())
    assert not any(psutil.pid_exists(pid) for pid in before.values())
    assert status(stack).returncode == 0


def test_down_leaves_nothing_running_and_keeps_the_data(stack: Stack) -> None:
    lifecycle.up(stack.settings, Reporter(), gateway=True)
    mark = os.urandom(8).hex().encode()
    producer = KafkaProducer(bootstrap_servers=stack.kafka)
    sent = producer.send(RAW_BOOKS.name, mark).get(timeout=30)
    producer.close()
    before = pids(stack)
    assert lifecycle.down(stack.settings)
    assert not list(marked(str(stack.home))) and not any(psutil.pid_exists(pid) for pid in before.values())
    assert not taken_ports(stack.settings.ports() | stack.settings.gateway_port)
    assert lifecycle.up(stack.settings, Reporter())
    consumer = KafkaConsumer(bootstrap_servers=stack.kafka)
    place = TopicPartition(RAW_BOOKS.name, sent.partition)
    consumer.assign([place])
    consumer.seek(place, sent.offset)
    wait_for(lambda: any(record.value == mark for batch in consumer.poll(500).values() for record in batch))
    consumer.close()
