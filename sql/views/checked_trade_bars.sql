-- The rows of trade_bars, each with the names of its fields that the database cannot store; none for a valid row.
-- Key (venue, symbol, window_start). Time: start_ts, the second's start, watermark 1 s behind.
CREATE TEMPORARY VIEW checked_trade_bars AS
SELECT
  *,
  CONCAT_WS(
    ', ',
    CASE WHEN REGEXP(venue, '\A[^\x00]{1,64}\z') THEN NULL ELSE 'venue' END,
    CASE WHEN REGEXP(symbol, '\A[^\x00]{1,64}\z') THEN NULL ELSE 'symbol' END,
    CASE WHEN window_start BETWEEN 0 AND 253402300000000 THEN NULL ELSE 'window_start' END,
    CASE WHEN `open` IS NULL THEN 'open' END,
    CASE WHEN high IS NULL THEN 'high' END,
    CASE WHEN low IS NULL THEN 'low' END,
    CASE WHEN `close` IS NULL THEN 'close' END,
    CASE WHEN volume IS NULL THEN 'volume' END,
    CASE WHEN notional IS NULL THEN 'notional' END,
    CASE WHEN signed_volume IS NULL THEN 'signed_volume' END,
    CASE WHEN trades IS NULL THEN 'trades' END,
    CASE WHEN buys IS NULL THEN 'buys' END
  ) AS refused_fields
FROM trade_bars
