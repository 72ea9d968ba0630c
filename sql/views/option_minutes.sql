-- One row per option and minute of event_ts in which its open interest is known: the last of it. hour_of: hours since 1970.
-- Key (venue, symbol, read_ts); symbol: the option. Time: read_ts.
CREATE TEMPORARY VIEW option_minutes AS
SELECT
  venue,
  underlying,
  expiry,
  instrument AS symbol,
  window_time AS read_ts,
  MAX(event_time) AS event_time,
  MAX(event_time) / 3600000 AS hour_of,
  LAST_VALUE(open_interest) AS held
FROM TABLE(TUMBLE(TABLE option_surfaces, DESCRIPTOR(event_ts), INTERVAL '1' MINUTE))
WHERE venue IS NOT NULL AND instrument IS NOT NULL AND event_time IS NOT NULL AND open_interest IS NOT NULL
GROUP BY venue, underlying, expiry, instrument, window_start, window_end, window_time
