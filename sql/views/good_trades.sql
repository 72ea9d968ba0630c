-- One row per trade that has all its fields and a size.
-- Key (venue, symbol, trade_id). Time: event_ts.
CREATE TEMPORARY VIEW good_trades AS
SELECT *
FROM trades
WHERE venue IS NOT NULL AND symbol IS NOT NULL AND event_time IS NOT NULL AND price > 0 AND size > 0 AND side IN ('buy', 'sell')
