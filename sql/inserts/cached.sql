-- The cache job's end.
INSERT INTO cached_sink
SELECT record_key, published
FROM cached
