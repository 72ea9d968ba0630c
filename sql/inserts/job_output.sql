-- Every output line of a job to its topic. A batch leaves Python as one row per topic with its lines joined by
-- newlines; the lines are split here. The filter is an operator of its own: without it, the sink's state would have
-- another generated uid than in savepoints of earlier releases.
INSERT INTO job_output_sink
WITH batches AS (
  SELECT *
  FROM job_output
  WHERE payload <> ''
)
SELECT topic_name, record_key, line
FROM batches
CROSS JOIN UNNEST(SPLIT(payload, CHR(10))) AS output_lines(line)
