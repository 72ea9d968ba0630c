-- Every output line of a job to its topic. A batch leaves Python as one row per topic with an array of its lines, as
-- bytes: text would be joined, decoded, split and encoded again. The filter is an operator of its own: without it, the
-- sink's state would have another generated uid than in savepoints of earlier releases.
INSERT INTO job_output_sink
WITH batches AS (
  SELECT *
  FROM job_output
  WHERE CARDINALITY(lines) > 0
)
SELECT topic_name, record_key, line
FROM batches
CROSS JOIN UNNEST(lines) AS output_lines(line)
