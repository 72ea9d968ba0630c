-- Nowhere: one row per batch whose books or trades Redis has, since a Flink job must end in a sink.
CREATE TEMPORARY TABLE cached_sink (
  record_key STRING,
  published INT
) WITH ('connector' = 'blackhole')
