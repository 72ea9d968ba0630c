-- One row per trade that has all its fields and a size.
-- Key (venue, symbol, trade_id). Time: event_ts. Trades are sparse, so that they soon count as idle; the time between
-- them is that of the books: the second half gives its watermark, and no row.
CREATE TEMPORARY VIEW good_trades AS
SELECT venue, symbol, event_time, event_ts, price, size, side
FROM trades
WHERE venue IS NOT NULL AND symbol IS NOT NULL AND event_time IS NOT NULL AND price > 0 AND size > 0 AND side IN ('buy', 'sell')
UNION ALL
SELECT venue, symbol, event_time, event_ts, mid, mid, 'none'
FROM processed
WHERE event_time < 0
