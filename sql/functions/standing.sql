-- standing(moments of ticks, end_ms): a row of the figures of market/standing.py, which says what a moment's array holds.
CREATE TEMPORARY FUNCTION standing AS 'jobs.functions.standing' LANGUAGE PYTHON
