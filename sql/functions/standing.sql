-- standing(times_ms, updates, in_sync, imbalances, spreads, weighted, microprices, end_ms): a row of the figures of market/standing.py.
CREATE TEMPORARY FUNCTION standing AS 'jobs.functions.standing' LANGUAGE PYTHON
