"""Workflows over given batches on a local cluster."""

import sys
from collections import defaultdict
from collections.abc import Callable, Iterable

import msgspec
import pytest
from pyflink.common import Configuration, Row
from pyflink.common.typeinfo import Types
from pyflink.datastream import DataStream, KeyedStream, StreamExecutionEnvironment
from pyflink.java_gateway import get_gateway

from core.settings import Settings
from jobs.connectors import keyed
from jobs.operators import BATCH, KEY
from venues.routing import route

SEPARATOR = "\0"
MOST = 1_000_000  # rows of a job
Output = dict[tuple[str, str], list[bytes]]  # lines by topic and key


def _as_text(row: Row) -> str:
    """Topic, key and lines of a row, one below the other."""
    return "\n".join([row[0], row[1], *(bytes(line).decode() for line in row[2])])


def _collected(texts: DataStream) -> list[str]:
    """Texts of a bounded stream by one call of Java. PyFlink's own iterator makes several calls for each of them."""
    jvm, stream = get_gateway().jvm, texts._j_data_stream
    jvm.org.apache.flink.python.util.PythonConfigUtil.configPythonOperator(stream.getExecutionEnvironment())
    texts._apply_chaining_optimization()
    joined: str = jvm.java.lang.String.join(SEPARATOR, stream.executeAndCollect(MOST))
    return joined.split(SEPARATOR)


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
        output: defaultdict[tuple[str, str], list[bytes]] = defaultdict(list)
        for text in _collected(define_workflow(keyed(source, KEY, BATCH), Settings()).map(_as_text, Types.STRING())):
            topic, key, *lines = text.split("\n")
            output[topic, key] += (line.encode() for line in lines)
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
