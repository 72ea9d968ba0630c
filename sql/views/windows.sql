-- One row per symbol, window size (1s, 10s, 1m) and window start.
-- Key (venue, symbol, size, window_start). Time: none; a row comes when its window has closed and never changes.
CREATE TEMPORARY VIEW windows AS
SELECT * FROM windows_1s
UNION ALL
SELECT * FROM windows_10s
UNION ALL
SELECT * FROM windows_1m
