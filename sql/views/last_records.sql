-- One row per record that may be the last of its second on its book: of those that were said together in one second, only the last can be.
-- That spares most of them the way to where seconds are kept. Who reads uncommitted data and sees half a batch before its job died has the
-- second's last when the batch is said again.
-- Key (venue, symbol, update_id). Time: event_ts.
CREATE TEMPORARY VIEW last_records AS
SELECT *
FROM good_records
WHERE COALESCE(event_time >= until_ms OR event_time / 1000 < until_ms / 1000, TRUE)
  AND update_id IS NOT NULL AND levels_bid IS NOT NULL AND levels_ask IS NOT NULL AND depth IS NOT NULL
