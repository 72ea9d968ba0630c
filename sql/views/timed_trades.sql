-- One row per row of good_trades, in the time of the books: trades are sparse and soon count as idle, and between them that time goes on.
-- Key (venue, symbol, trade_id). Time: event_ts. The second half gives its watermark, and no row.
CREATE TEMPORARY VIEW timed_trades AS
SELECT venue, symbol, event_time, event_ts, price, size, side
FROM good_trades
UNION ALL
SELECT venue, symbol, event_time, event_ts, mid, mid, 'none'
FROM good_records
WHERE event_time < 0
