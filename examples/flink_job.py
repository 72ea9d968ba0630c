"""A PyFlink job of your own on `orderbook.processed`: largest spread per symbol in every 10 seconds of event time.

    .depthflow/flink/bin/flink run --detached --python examples/flink_job.py

The rows appear in the TaskManager's standard output (`.depthflow/logs/taskmanager*.log`). Stop the job in the Flink UI.
Each job occupies one slot: raise FLINK_TASKMANAGERS before `depthflow up` when none is free.

Environment: KAFKA_BOOTSTRAP_SERVERS (localhost:9092), TOPIC_PREFIX (none). Needs: Flink with its Kafka SQL connector in
lib/, and apache-flink in the Python that submits. The job contains no Python functions: it runs entirely in the JVM.
"""

import os

from pyflink.table import EnvironmentSettings, TableEnvironment

SOURCE = """
CREATE TEMPORARY TABLE processed (
  venue STRING,
  symbol STRING,
  event_time BIGINT,
  spread_bps DOUBLE,
  event_ts AS TO_TIMESTAMP_LTZ(event_time, 3),
  WATERMARK FOR event_ts AS event_ts - INTERVAL '1' SECOND
) WITH (
  'connector' = 'kafka',
  'topic' = '{topic}',
  'properties.bootstrap.servers' = '{servers}',
  'properties.isolation.level' = 'read_committed',
  'scan.startup.mode' = 'earliest-offset',
  'scan.watermark.idle-timeout' = '5 s', -- a partition without records does not delay the windows of the others
  'format' = 'json'
)
"""
SINK = """
CREATE TEMPORARY TABLE spreads (venue STRING, symbol STRING, window_start TIMESTAMP(3), spread_bps DOUBLE)
WITH ('connector' = 'print', 'print-identifier' = 'widest')
"""
INSERT = """
INSERT INTO spreads
SELECT venue, symbol, window_start, MAX(spread_bps)
FROM TABLE(TUMBLE(TABLE processed, DESCRIPTOR(event_ts), INTERVAL '10' SECOND))
GROUP BY venue, symbol, window_start, window_end
"""


def main() -> None:
    tables = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
    tables.get_config().set("pipeline.name", "widest-spread")
    topic = os.environ.get("TOPIC_PREFIX", "") + "orderbook.processed"
    servers = os.environ.get("KAFKA_BOOTSTRAP_SERVERS", "localhost:9092")
    tables.execute_sql(SOURCE.format(topic=topic, servers=servers))
    tables.execute_sql(SINK)
    tables.execute_sql(INSERT)


if __name__ == "__main__":
    main()
