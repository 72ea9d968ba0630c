-- dead_letter(reason, topic, partition, offset, value): the line of the topic deadletter about a record.
CREATE TEMPORARY FUNCTION dead_letter AS 'jobs.functions.dead_letter' LANGUAGE PYTHON
