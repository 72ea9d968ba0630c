-- One row per batch of which books, trades or chains were written to Redis, discarded: a Flink job must end in a sink.
-- Key record_key. Time: none.
CREATE TEMPORARY TABLE redis_writes_sink (
  record_key STRING,
  written INT
) WITH ('connector' = 'blackhole')
