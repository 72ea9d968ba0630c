-- The term structure of a chain now: forward, volatility at the money, expected move and skew of each expiry, as last said.
-- set underlying = 'BTC': the chain
-- set venue = 'deribit': its venue
SELECT
  CAST(TO_TIMESTAMP_LTZ(expiry, 3) AS DATE) AS expires,
  ROUND(365 * years, 2) AS days,
  ROUND(forward, 2) AS forward,
  ROUND(atm_iv, 4) AS atm_iv,
  ROUND(forward_vol, 4) AS forward_vol,
  ROUND(implied_move, 4) AS implied_move,
  ROUND(risk_reversal_25, 4) AS risk_reversal_25,
  ROUND(butterfly_25, 4) AS butterfly_25
FROM (
  SELECT *, MAX(event_time) OVER (PARTITION BY venue, underlying) AS newest
  FROM option_chains
  WHERE underlying = ${underlying} AND venue = ${venue}
)
WHERE event_time = newest
ORDER BY expiry
