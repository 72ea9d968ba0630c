-- One row per row of good_trades, in the time of trades and of the books: trades may all be silent for long, and what waits for their time
-- then goes on in that of the books, as alerts do.
-- Key (venue, symbol, trade_id). Time: event_ts. The second half gives its watermark, and no row; it is ticks since they are few.
CREATE TEMPORARY VIEW timed_trades AS
SELECT venue, symbol, event_time, event_ts, price, side
FROM good_trades
UNION ALL
SELECT venue, symbol, event_time, tick_ts, bid_depth_low, 'none'
FROM book_ticks
WHERE event_time < 0
