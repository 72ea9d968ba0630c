-- One row per record that no relation can use, of the topics that the job reads as JSON: why, and where it lies.
-- Key (topic_name, partition_id, offset_id). Time: none. A raw scan, since a format that leaves out what is no JSON says nothing of it.
-- What our own jobs say carries the header since (sql/inserts/lines.sql) and came whole out of an encoder: others' records are looked into.
CREATE TEMPORARY VIEW bad_records AS
SELECT *
FROM (
  SELECT
    record_key,
    topic_name,
    partition_id,
    offset_id,
    envelope,
    CASE
      WHEN envelope IS NULL THEN 'expected a record, got a null value'
      WHEN headers['since'] IS NOT NULL THEN CAST(NULL AS STRING)
      WHEN line IS NOT JSON OBJECT THEN 'expected a JSON object'
      WHEN JSON_VALUE(line, '$.venue') IS NULL OR JSON_VALUE(line, '$.symbol') IS NULL THEN 'expected a venue and a symbol, got null'
      WHEN TRY_CAST(JSON_VALUE(line, '$.event_time') AS BIGINT) IS NULL THEN 'expected an event_time in ms, got none'
      WHEN topic_name LIKE '%trades' AND (
        COALESCE(TRY_CAST(JSON_VALUE(line, '$.price') AS DOUBLE), 0) <= 0
        OR COALESCE(TRY_CAST(JSON_VALUE(line, '$.size') AS DOUBLE), 0) <= 0
        OR COALESCE(JSON_VALUE(line, '$.side'), '') NOT IN ('buy', 'sell')
      ) THEN 'expected a trade with a price, a size and a side'
      WHEN topic_name NOT LIKE '%trades' AND (
        TRY_CAST(JSON_VALUE(line, '$.update_id') AS BIGINT) IS NULL OR TRY_CAST(JSON_VALUE(line, '$.depth') AS INT) IS NULL
        OR TRY_CAST(JSON_VALUE(line, '$.levels_bid') AS INT) IS NULL OR TRY_CAST(JSON_VALUE(line, '$.levels_ask') AS INT) IS NULL
      ) THEN 'expected an update_id, a depth and levels'
    END AS reason
  FROM (SELECT *, CAST(envelope AS STRING) AS line FROM checked_records)
)
WHERE reason IS NOT NULL
