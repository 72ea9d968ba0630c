-- One row per expiry of a chain and second, with what the rules look at; symbol: underlying and day of the expiry (BTC-2026-06-26).
-- Key (venue, symbol, event_time). Time: event_ts. Rows without key or time are left out.
CREATE TEMPORARY VIEW chain_moments AS
SELECT
  venue,
  CONCAT(underlying, '-', CAST(CAST(TO_TIMESTAMP_LTZ(expiry, 3) AS DATE) AS STRING)) AS symbol,
  event_ts,
  event_time,
  years,
  forward,
  pcr_open_interest AS pcr,
  max_pain,
  implied_move,
  atm_iv,
  risk_reversal_25 AS risk_reversal
FROM option_chains
WHERE venue IS NOT NULL AND underlying IS NOT NULL AND expiry IS NOT NULL AND event_time IS NOT NULL
