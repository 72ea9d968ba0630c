-- The current term structure of a chain: forward, at-the-money volatility, expected move and skew of each expiry in the
-- chain's newest second.
-- set underlying = 'BTC': underlying of the chain
-- set venue = 'deribit': venue
WITH chain AS (
  SELECT *, MAX(event_time) OVER (PARTITION BY venue, underlying) AS newest
  FROM option_chains
  WHERE underlying = ${underlying} AND venue = ${venue}
)
SELECT
  CAST(TO_TIMESTAMP_LTZ(expiry, 3) AS DATE) AS expires,
  ROUND(365 * years, 2) AS days,
  ROUND(forward, 2) AS forward,
  ROUND(atm_iv, 4) AS atm_iv,
  ROUND(forward_vol, 4) AS forward_vol,
  ROUND(implied_move, 4) AS implied_move,
  ROUND(risk_reversal_25, 4) AS risk_reversal_25,
  ROUND(butterfly_25, 4) AS butterfly_25
FROM chain
WHERE event_time = newest
ORDER BY expiry
