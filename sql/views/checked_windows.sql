-- The rows of window_records, each with the names of its fields that the database cannot store; none for a valid row.
-- Key (venue, symbol, size, window_start). Time: start_ts, the window's start, watermark 1 s behind.
CREATE TEMPORARY VIEW checked_windows AS
SELECT
  *,
  CONCAT_WS(
    ', ',
    CASE WHEN REGEXP(venue, '\A[^\x00]{1,64}\z') THEN NULL ELSE 'venue' END,
    CASE WHEN REGEXP(symbol, '\A[^\x00]{1,64}\z') THEN NULL ELSE 'symbol' END,
    CASE WHEN REGEXP(size, '\A[^\x00]{1,64}\z') THEN NULL ELSE 'size' END,
    CASE WHEN window_start BETWEEN 0 AND 253402300000000 THEN NULL ELSE 'window_start' END,
    CASE WHEN updates IS NULL THEN 'updates' END,
    CASE WHEN out_of_sync IS NULL THEN 'out_of_sync' END,
    CASE
      WHEN size = '1s' AND (updates > 0 OR `last` IS NOT NULL) AND (
        `last`.event_time IS NULL OR `last`.update_id IS NULL OR `last`.levels_bid IS NULL
        OR `last`.levels_ask IS NULL OR `last`.depth IS NULL
      ) THEN 'last'
    END
  ) AS refused_fields
FROM window_records
