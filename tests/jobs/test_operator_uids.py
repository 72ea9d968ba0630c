"""Generated uids of the SQL operators around the builders: savepoints of earlier releases restore only to the same."""

import pytest
from pyflink.common import Configuration
from pyflink.datastream import StreamExecutionEnvironment
from pyflink.table import StreamTableEnvironment

from core.settings import Settings
from jobs import books, pipeline
from jobs.sql_files import insert
from stack.services.jars import flink_lib_jars

# As since before the alerts job: the source with its offsets, the open batches, the sink with its transactions.
STATEFUL = {
    "Source: raw_frames": "cbc357ccb763df2852fee8c4fc7d55f2",
    "WindowAggregate": "90bea66de1c231edf33913ecd54406c1",
    "Writer": "744088e53811e41ce9d57b76e47b6e8e",
    "Committer": "271cce5feb728e4ca005b335712b2d6a",
}


def test_the_operators_with_state_keep_their_uids(monkeypatch: pytest.MonkeyPatch) -> None:
    options = Configuration()
    options.set_string("pipeline.jars", ";".join(jar.as_uri() for jar in flink_lib_jars()))
    options.set_string("python.execution-mode", "process")
    environment = StreamExecutionEnvironment.get_execution_environment(options)
    monkeypatch.setattr(pipeline, "table_environment", lambda *_: StreamTableEnvironment.create(environment))
    settings = Settings(_env_file=None)
    tables, records = pipeline.batches(settings, books.JOB, books.define_spec(settings))
    tables.create_temporary_view("job_output", books.define_workflow(records, settings))
    statements = tables.create_statement_set()
    insert(statements, ["inserts/job_output"])
    statements.attach_as_datastream()
    assert set(STATEFUL.values()) <= generated_uids(environment)


def generated_uids(environment: StreamExecutionEnvironment) -> set[str]:
    graph = environment._j_stream_execution_environment.getStreamGraph().getJobGraph()
    pairs = [pair for vertex in graph.getVerticesAsArray() for pair in vertex.getOperatorIDs()]
    return {pair.getGeneratedOperatorID().toString() for pair in pairs}
