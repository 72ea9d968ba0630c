"""Workflows over given batches on a local cluster."""

import sys
from collections import defaultdict
from collections.abc import Callable, Iterable

import msgspec
import pytest
from pyflink.common import Configuration, Row
from pyflink.common.typeinfo import Types
from pyflink.datastream import DataStream, KeyedStream, StreamExecutionEnvironment

from core.settings import Settings
from jobs.connectors import keyed
from jobs.operators import BATCH, KEY
from venues.routing import route

TEXT = Types.ROW([Types.STRING(), Types.STRING(), Types.STRING()])
Output = dict[tuple[str, str], list[bytes]]  # lines by topic and key


def _as_text(row: Row) -> Row:
    return Row(row[0], row[1], b"\n".join(map(bytes, row[2])).decode())


def _key_of(batch: Row) -> str:
    envelope = msgspec.json.decode(bytes(batch[2][0]))
    return route(envelope["venue"], envelope["channel"], envelope["symbol"]).key


def run_batches(
    batches: Iterable[Row],
    define_workflow: Callable[[KeyedStream, Settings], DataStream],
    mode: str,
    parallelism: int,
    key_of: Callable[[Row], str] = _key_of,
) -> Output:
    """Output of a job in that mode for these batches; `key_of`: key of a batch."""
    with pytest.MonkeyPatch.context() as patch:
        # Without this, process mode runs its workers as threads of this process, which hides bugs of the real worker.
        patch.setenv("_python_worker_execution_mode", "process")
        environment = StreamExecutionEnvironment.get_execution_environment(_configuration(mode, parallelism))
        pairs = [Row(key_of(batch), batch) for batch in batches]
        source = environment.from_collection(pairs, Types.ROW([KEY, BATCH])).set_parallelism(1)
        # Collecting an array of bytes takes a Java object for each byte.
        outputs = define_workflow(keyed(source, KEY, BATCH), Settings()).map(_as_text, TEXT)
        output: defaultdict[tuple[str, str], list[bytes]] = defaultdict(list)
        with outputs.execute_and_collect() as rows:
            for topic, key, text in rows:
                output[topic, key] += text.encode().split(b"\n")
        return dict(output)


def _configuration(mode: str, parallelism: int) -> Configuration:
    configuration = Configuration()
    options = {
        "python.execution-mode": mode,
        "python.executable": sys.executable,
        "parallelism.default": str(parallelism),
        "rest.bind-port": "0",
    }
    for name, value in options.items():
        configuration.set_string(name, value)
    return configuration
