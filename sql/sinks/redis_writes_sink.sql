-- One row per batch that was written to Redis. The sink discards the rows; a Flink job must end in a sink.
-- Key record_key. Time: none.
CREATE TEMPORARY TABLE redis_writes_sink (
  record_key STRING,
  written INT
) WITH ('connector' = 'blackhole')
