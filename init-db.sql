-- Database of depthflow: tables, roles, views for dashboards; with TimescaleDB also hypertables with compression,
-- retention and continuous aggregates.
-- Run `psql -v ON_ERROR_STOP=1 -f init-db.sql` as the owner of the database, without --single-transaction. The script
-- is idempotent and keeps stored rows.
-- TimescaleDB: 2.18 or newer. Compression, retention policies and continuous aggregates need its Timescale edition.
-- With its Apache edition the tables are hypertables, and with plain PostgreSQL 15 to 18 ordinary tables; both have the
-- same tables and views, and the script prints a notice about missing features.
-- Roles have no password: set passwords by ALTER ROLE.
SET client_min_messages = notice;

-- depthflow.edition: timescale, apache, or none without TimescaleDB. The blocks below read it.
DO $$
DECLARE
  installed text;
  edition text := 'none';
BEGIN
  IF EXISTS (SELECT FROM pg_available_extensions WHERE name = 'timescaledb') THEN
    CREATE EXTENSION IF NOT EXISTS timescaledb;
    SELECT extversion INTO installed FROM pg_extension WHERE extname = 'timescaledb';
    IF string_to_array(substring(installed FROM '^\d+\.\d+'), '.')::integer[] < ARRAY[2, 18] THEN
      RAISE EXCEPTION 'TimescaleDB 2.18 or newer is needed, this is %', installed
        USING HINT = 'Install a newer package, then run ALTER EXTENSION timescaledb UPDATE';
    END IF;
    edition := coalesce(current_setting('timescaledb.license', true), 'apache');
  END IF;
  PERFORM set_config('depthflow.edition', edition, false);
  IF edition = 'none' THEN
    RAISE NOTICE 'TimescaleDB is not available here: no hypertables, no compression, no retention; %',
      'continuous aggregates are plain views';
  ELSIF edition = 'apache' THEN
    RAISE NOTICE 'TimescaleDB has its Apache edition here: no compression, no retention; %',
      'continuous aggregates are plain views';
  END IF;
END
$$;

-- One row per symbol and second of event time: the last metrics record of that second. `latency_ms`: from its receipt
-- by the forwarder to the publication of the second.
CREATE TABLE IF NOT EXISTS orderbook_metrics (
  ts timestamptz NOT NULL,
  venue text NOT NULL,
  symbol text NOT NULL,
  event_time bigint NOT NULL,
  update_id bigint NOT NULL,
  best_bid double precision,
  best_bid_size double precision,
  best_ask double precision,
  best_ask_size double precision,
  mid double precision,
  microprice double precision,
  spread double precision,
  spread_bps double precision,
  bid_depth double precision,
  ask_depth double precision,
  imbalance double precision,
  weighted_imbalance double precision,
  vtob double precision,
  ofi double precision,
  levels_bid integer NOT NULL,
  levels_ask integer NOT NULL,
  depth integer NOT NULL,
  flags text NOT NULL DEFAULT '',
  latency_ms double precision,
  PRIMARY KEY (venue, symbol, ts)
);
ALTER TABLE orderbook_metrics ADD COLUMN IF NOT EXISTS latency_ms double precision;
CREATE INDEX IF NOT EXISTS orderbook_metrics_ts ON orderbook_metrics (ts DESC);

-- One row per symbol, window size ('1s', '10s' beginning every second, '1m') and window start: topic orderbook.windows.
-- `_twa`: mean weighted by the time for which each value applied; `out_of_sync`: share of the window in which the book
-- was out of sync.
CREATE TABLE IF NOT EXISTS orderbook_windows (
  window_start timestamptz NOT NULL,
  venue text NOT NULL,
  symbol text NOT NULL,
  size text NOT NULL,
  updates bigint NOT NULL,
  imbalance_open double precision,
  imbalance_high double precision,
  imbalance_low double precision,
  imbalance_close double precision,
  imbalance_mean double precision,
  imbalance_twa double precision,
  weighted_imbalance_open double precision,
  weighted_imbalance_high double precision,
  weighted_imbalance_low double precision,
  weighted_imbalance_close double precision,
  weighted_imbalance_mean double precision,
  spread_twa double precision,
  spread_bps_mean double precision,
  bid_depth_mean double precision,
  ask_depth_mean double precision,
  ofi_sum double precision,
  microprice_last double precision,
  out_of_sync double precision NOT NULL,
  PRIMARY KEY (venue, symbol, size, window_start)
);
CREATE INDEX IF NOT EXISTS orderbook_windows_start ON orderbook_windows (size, window_start DESC);

-- One row per alert: topic orderbook.alerts. `episode`: time at which the condition began, the same in all its phases.
CREATE TABLE IF NOT EXISTS orderbook_alerts (
  id text NOT NULL,
  episode timestamptz NOT NULL,
  ts timestamptz NOT NULL,
  venue text NOT NULL,
  symbol text NOT NULL,
  rule text NOT NULL,
  severity text NOT NULL,
  phase text NOT NULL,
  value double precision,
  threshold double precision,
  message text NOT NULL,
  PRIMARY KEY (id, episode)
);
CREATE INDEX IF NOT EXISTS orderbook_alerts_ts ON orderbook_alerts (ts DESC);
CREATE INDEX IF NOT EXISTS orderbook_alerts_symbol ON orderbook_alerts (venue, symbol, ts DESC);

-- One row per change of the state of a book or option chain: topic orderbook.status. `since`: time of the change;
-- `record_offset`: position on the topic, for changes of the same time. For a chain, `symbol` is its underlying.
CREATE TABLE IF NOT EXISTS book_states (
  since timestamptz NOT NULL,
  venue text NOT NULL,
  symbol text NOT NULL,
  state text NOT NULL,
  reason text NOT NULL,
  event_time bigint NOT NULL,
  record_offset bigint NOT NULL,
  PRIMARY KEY (venue, symbol, since, state)
);
CREATE INDEX IF NOT EXISTS book_states_since ON book_states (since DESC);

-- One row per symbol and second with trades; volumes in base units, notional in quote units,
-- signed_volume = taker buys - taker sells.
CREATE TABLE IF NOT EXISTS trades_1s (
  ts timestamptz NOT NULL,
  venue text NOT NULL,
  symbol text NOT NULL,
  open double precision NOT NULL,
  high double precision NOT NULL,
  low double precision NOT NULL,
  close double precision NOT NULL,
  volume double precision NOT NULL,
  notional double precision NOT NULL,
  vwap double precision,
  signed_volume double precision NOT NULL,
  trades bigint NOT NULL,
  buys bigint NOT NULL,
  PRIMARY KEY (venue, symbol, ts)
);
CREATE INDEX IF NOT EXISTS trades_1s_ts ON trades_1s (ts DESC);

-- One row per expiry of an option chain and second of event time: topic options.chain, fields as in
-- market/options/records.py. `expiry`: time of expiry; volatilities are annualised fractions, money is in the chain's
-- quote currency, open interest in base units.
CREATE TABLE IF NOT EXISTS option_chain_metrics (
  ts timestamptz NOT NULL,
  venue text NOT NULL,
  underlying text NOT NULL,
  expiry timestamptz NOT NULL,
  event_time bigint NOT NULL,
  linear boolean NOT NULL,
  strikes integer NOT NULL,
  options integer NOT NULL,
  years double precision NOT NULL,
  forward double precision,
  forward_source text,
  index_price double precision,
  call_open_interest double precision NOT NULL,
  put_open_interest double precision NOT NULL,
  pcr_open_interest double precision,
  call_volume double precision NOT NULL,
  put_volume double precision NOT NULL,
  pcr_volume double precision,
  max_pain double precision,
  max_pain_low double precision,
  max_pain_high double precision,
  pain double precision,
  max_pain_coin double precision,
  call_wall double precision,
  put_wall double precision,
  call_premium double precision NOT NULL,
  put_premium double precision NOT NULL,
  atm_strike double precision,
  straddle double precision,
  straddle_coin double precision,
  straddle_source text,
  implied_move double precision,
  atm_iv double precision,
  risk_reversal_25 double precision,
  butterfly_25 double precision,
  skew_slope double precision,
  forward_variance double precision,
  forward_vol double precision,
  gamma_gross double precision NOT NULL,
  gamma_naive double precision NOT NULL,
  zero_gamma double precision,
  svi_a double precision,
  svi_b double precision,
  svi_rho double precision,
  svi_m double precision,
  svi_s double precision,
  svi_points integer NOT NULL,
  svi_rmse double precision,
  svi_worst double precision,
  svi_butterfly double precision,
  svi_calendar double precision,
  flags text NOT NULL DEFAULT '',
  quote_age_ms bigint,
  stale_options integer,
  refused_options integer,
  PRIMARY KEY (venue, underlying, expiry, ts)
);
ALTER TABLE option_chain_metrics ADD COLUMN IF NOT EXISTS quote_age_ms bigint;
ALTER TABLE option_chain_metrics ADD COLUMN IF NOT EXISTS stale_options integer;
ALTER TABLE option_chain_metrics ADD COLUMN IF NOT EXISTS refused_options integer;
CREATE INDEX IF NOT EXISTS option_chain_metrics_ts ON option_chain_metrics (venue, underlying, ts DESC);

-- One row per option and second of event time: topic options.surface. Prices as quoted: in the coin for inverse
-- options, in the quote currency for linear ones.
CREATE TABLE IF NOT EXISTS option_surface (
  ts timestamptz NOT NULL,
  venue text NOT NULL,
  underlying text NOT NULL,
  instrument text NOT NULL,
  expiry timestamptz NOT NULL,
  strike double precision NOT NULL,
  kind text NOT NULL,
  event_time bigint NOT NULL,
  quote_time bigint NOT NULL,
  forward double precision,
  bid double precision,
  bid_size double precision,
  ask double precision,
  ask_size double precision,
  mark double precision,
  bid_iv double precision,
  ask_iv double precision,
  iv double precision,
  mark_iv double precision,
  fit_iv double precision,
  delta double precision,
  net_delta double precision,
  gamma double precision,
  vega double precision,
  theta double precision,
  open_interest double precision,
  volume double precision,
  gamma_usd double precision NOT NULL,
  build_up text,
  flags text NOT NULL DEFAULT '',
  quote_age_ms bigint,
  PRIMARY KEY (venue, instrument, ts)
);
ALTER TABLE option_surface ADD COLUMN IF NOT EXISTS quote_age_ms bigint;
CREATE INDEX IF NOT EXISTS option_surface_ts ON option_surface (venue, underlying, ts DESC);

-- One row per option chain and second of event time, over all its expiries: topic underlying_ticks.
CREATE TABLE IF NOT EXISTS underlying_ticks (
  ts timestamptz NOT NULL,
  venue text NOT NULL,
  underlying text NOT NULL,
  event_time bigint NOT NULL,
  index_price double precision,
  options integer NOT NULL,
  expiries integer NOT NULL,
  call_open_interest double precision NOT NULL,
  put_open_interest double precision NOT NULL,
  pcr_open_interest double precision,
  pcr_volume double precision,
  gamma_gross double precision NOT NULL,
  gamma_naive double precision NOT NULL,
  zero_gamma double precision,
  flags text,
  PRIMARY KEY (venue, underlying, ts)
);
ALTER TABLE underlying_ticks ADD COLUMN IF NOT EXISTS flags text;
CREATE INDEX IF NOT EXISTS underlying_ticks_ts ON underlying_ticks (ts DESC);

-- Accounts of the gateway. `password`: Argon2id hash; `invitation`: id of the invitation with which the account was
-- registered, so that each is used once.
CREATE TABLE IF NOT EXISTS users (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  username text NOT NULL,
  password text NOT NULL,
  role text NOT NULL DEFAULT 'viewer' CHECK (role IN ('viewer', 'analyst', 'admin')),
  disabled boolean NOT NULL DEFAULT false,
  invitation uuid,
  created timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (id)
);
CREATE UNIQUE INDEX IF NOT EXISTS users_username ON users (lower(username));
CREATE UNIQUE INDEX IF NOT EXISTS users_invitation ON users (invitation);

-- Refresh tokens by their SHA-256. A login begins a family, a refresh adds the next token of it; a token that is used
-- twice revokes its family.
CREATE TABLE IF NOT EXISTS refresh_tokens (
  hash text NOT NULL,
  family uuid NOT NULL,
  user_id uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  created timestamptz NOT NULL DEFAULT now(),
  expires timestamptz NOT NULL,
  used timestamptz,
  revoked timestamptz,
  PRIMARY KEY (hash)
);
CREATE INDEX IF NOT EXISTS refresh_tokens_family ON refresh_tokens (family);
CREATE INDEX IF NOT EXISTS refresh_tokens_user ON refresh_tokens (user_id);
CREATE INDEX IF NOT EXISTS refresh_tokens_expires ON refresh_tokens (expires);

-- TimescaleDB: one chunk per day, compressed after a day, dropped after the retention time of the table. Every column
-- of a primary key segments or orders the compressed rows, so that an upsert finds its row without decompressing
-- others.
DO $$
DECLARE
  stored record;
BEGIN
  IF current_setting('depthflow.edition') = 'none' THEN
    RETURN;
  END IF;
  FOR stored IN
    SELECT * FROM (VALUES
      ('orderbook_metrics', 'ts', INTERVAL '90 days', 'venue,symbol', 'ts DESC'),
      ('orderbook_windows', 'window_start', INTERVAL '90 days', 'venue,symbol,size', 'window_start DESC'),
      ('orderbook_alerts', 'episode', INTERVAL '1 year', 'venue,symbol', 'episode DESC,id'),
      ('book_states', 'since', INTERVAL '1 year', 'venue,symbol', 'since DESC,state'),
      ('trades_1s', 'ts', INTERVAL '1 year', 'venue,symbol', 'ts DESC'),
      ('option_chain_metrics', 'ts', INTERVAL '90 days', 'venue,underlying,expiry', 'ts DESC'),
      ('option_surface', 'ts', INTERVAL '30 days', 'venue,instrument', 'ts DESC'),
      ('underlying_ticks', 'ts', INTERVAL '1 year', 'venue,underlying', 'ts DESC')
    ) AS listed (name, time_column, retention, segment, ordering)
  LOOP
    PERFORM create_hypertable(
      stored.name::regclass, by_range(stored.time_column::name, INTERVAL '1 day'), if_not_exists => true,
      migrate_data => true
    );
    CONTINUE WHEN current_setting('depthflow.edition') = 'apache';
    EXECUTE format(
      'ALTER TABLE %I SET (timescaledb.enable_columnstore, timescaledb.segmentby = %L, timescaledb.orderby = %L)',
      stored.name, stored.segment, stored.ordering
    );
    EXECUTE format('CALL add_columnstore_policy(%L, after => INTERVAL ''1 day'', if_not_exists => true)', stored.name);
    PERFORM add_retention_policy(stored.name::regclass, stored.retention, if_not_exists => true);
  END LOOP;
END
$$;

-- Aggregates per minute, and per hour over those: continuous aggregates, or plain views of the same name.
-- The definitions are written once, for TimescaleDB; for plain views, time_bucket, first and last are replaced.
-- A refresh reaches back 7 days (minutes) or 30 days (hours), which is less than the retention of the tables: rows that
-- arrive after an outage are included. A refresh without changes takes half a millisecond.
-- depthflow.created: names of the continuous aggregates that this run creates.
DO $$
DECLARE
  timescale constant boolean := current_setting('depthflow.edition') = 'timescale';
  created text := '';
  wanted record;
  body text;
BEGIN
  FOR wanted IN
    SELECT * FROM (VALUES
      ('orderbook_metrics_1m', INTERVAL '7 days', INTERVAL '1 minute', $view$
SELECT time_bucket(INTERVAL '1 minute', ts) AS bucket, venue, symbol, count(*) AS seconds,
  first(mid, ts) AS mid_open, max(mid) AS mid_high, min(mid) AS mid_low, last(mid, ts) AS mid_close,
  avg(imbalance) AS imbalance, min(imbalance) AS imbalance_low, max(imbalance) AS imbalance_high,
  avg(weighted_imbalance) AS weighted_imbalance, avg(spread_bps) AS spread_bps, max(spread_bps) AS spread_bps_high,
  avg(bid_depth) AS bid_depth, avg(ask_depth) AS ask_depth
FROM orderbook_metrics GROUP BY 1, 2, 3$view$),
      ('orderbook_metrics_1h', INTERVAL '30 days', INTERVAL '1 hour', $view$
SELECT time_bucket(INTERVAL '1 hour', bucket) AS bucket, venue, symbol, sum(seconds) AS seconds,
  first(mid_open, bucket) AS mid_open, max(mid_high) AS mid_high, min(mid_low) AS mid_low,
  last(mid_close, bucket) AS mid_close,
  sum(imbalance * seconds) / sum(seconds) FILTER (WHERE imbalance IS NOT NULL) AS imbalance,
  min(imbalance_low) AS imbalance_low, max(imbalance_high) AS imbalance_high,
  sum(weighted_imbalance * seconds) / sum(seconds) FILTER (WHERE weighted_imbalance IS NOT NULL) AS weighted_imbalance,
  sum(spread_bps * seconds) / sum(seconds) FILTER (WHERE spread_bps IS NOT NULL) AS spread_bps,
  max(spread_bps_high) AS spread_bps_high,
  sum(bid_depth * seconds) / sum(seconds) AS bid_depth, sum(ask_depth * seconds) / sum(seconds) AS ask_depth
FROM orderbook_metrics_1m GROUP BY 1, 2, 3$view$),
      ('trades_1m', INTERVAL '7 days', INTERVAL '1 minute', $view$
SELECT time_bucket(INTERVAL '1 minute', ts) AS bucket, venue, symbol,
  first(open, ts) AS open, max(high) AS high, min(low) AS low, last(close, ts) AS close,
  sum(volume) AS volume, sum(notional) AS notional, sum(notional) / nullif(sum(volume), 0) AS vwap,
  sum(signed_volume) AS signed_volume, sum(trades) AS trades, sum(buys) AS buys
FROM trades_1s GROUP BY 1, 2, 3$view$),
      ('trades_1h', INTERVAL '30 days', INTERVAL '1 hour', $view$
SELECT time_bucket(INTERVAL '1 hour', bucket) AS bucket, venue, symbol,
  first(open, bucket) AS open, max(high) AS high, min(low) AS low, last(close, bucket) AS close,
  sum(volume) AS volume, sum(notional) AS notional, sum(notional) / nullif(sum(volume), 0) AS vwap,
  sum(signed_volume) AS signed_volume, sum(trades) AS trades, sum(buys) AS buys
FROM trades_1m GROUP BY 1, 2, 3$view$),
      ('option_chain_1m', INTERVAL '7 days', INTERVAL '1 minute', $view$
SELECT time_bucket(INTERVAL '1 minute', ts) AS bucket, venue, underlying, expiry, count(*) AS seconds,
  last(years, ts) AS years, last(forward, ts) AS forward, last(pcr_open_interest, ts) AS pcr_open_interest,
  last(pcr_volume, ts) AS pcr_volume,
  last(max_pain, ts) AS max_pain, last(call_open_interest, ts) AS call_open_interest,
  last(put_open_interest, ts) AS put_open_interest,
  first(atm_iv, ts) AS atm_iv_open, max(atm_iv) AS atm_iv_high, min(atm_iv) AS atm_iv_low,
  last(atm_iv, ts) AS atm_iv_close,
  last(implied_move, ts) AS implied_move, last(risk_reversal_25, ts) AS risk_reversal_25,
  last(gamma_naive, ts) AS gamma_naive
FROM option_chain_metrics GROUP BY 1, 2, 3, 4$view$),
      ('option_chain_1h', INTERVAL '30 days', INTERVAL '1 hour', $view$
SELECT time_bucket(INTERVAL '1 hour', bucket) AS bucket, venue, underlying, expiry, sum(seconds) AS seconds,
  last(years, bucket) AS years, last(forward, bucket) AS forward,
  last(pcr_open_interest, bucket) AS pcr_open_interest, last(pcr_volume, bucket) AS pcr_volume,
  last(max_pain, bucket) AS max_pain, last(call_open_interest, bucket) AS call_open_interest,
  last(put_open_interest, bucket) AS put_open_interest,
  first(atm_iv_open, bucket) AS atm_iv_open, max(atm_iv_high) AS atm_iv_high, min(atm_iv_low) AS atm_iv_low,
  last(atm_iv_close, bucket) AS atm_iv_close,
  last(implied_move, bucket) AS implied_move, last(risk_reversal_25, bucket) AS risk_reversal_25,
  last(gamma_naive, bucket) AS gamma_naive
FROM option_chain_1m GROUP BY 1, 2, 3, 4$view$),
      ('underlying_ticks_1m', INTERVAL '7 days', INTERVAL '1 minute', $view$
SELECT time_bucket(INTERVAL '1 minute', ts) AS bucket, venue, underlying, count(*) AS seconds,
  first(index_price, ts) AS index_open, max(index_price) AS index_high, min(index_price) AS index_low,
  last(index_price, ts) AS index_close,
  last(pcr_open_interest, ts) AS pcr_open_interest, last(pcr_volume, ts) AS pcr_volume,
  last(gamma_naive, ts) AS gamma_naive, last(zero_gamma, ts) AS zero_gamma
FROM underlying_ticks GROUP BY 1, 2, 3$view$),
      ('underlying_ticks_1h', INTERVAL '30 days', INTERVAL '1 hour', $view$
SELECT time_bucket(INTERVAL '1 hour', bucket) AS bucket, venue, underlying, sum(seconds) AS seconds,
  first(index_open, bucket) AS index_open, max(index_high) AS index_high, min(index_low) AS index_low,
  last(index_close, bucket) AS index_close,
  last(pcr_open_interest, bucket) AS pcr_open_interest, last(pcr_volume, bucket) AS pcr_volume,
  last(gamma_naive, bucket) AS gamma_naive, last(zero_gamma, bucket) AS zero_gamma
FROM underlying_ticks_1m GROUP BY 1, 2, 3$view$)
    ) AS listed (name, refreshed, every, query)
  LOOP
    IF timescale THEN
      -- A database created without TimescaleDB has plain views of these names.
      IF EXISTS (SELECT FROM pg_views WHERE schemaname = current_schema AND viewname = wanted.name)
        AND NOT EXISTS (SELECT FROM timescaledb_information.continuous_aggregates WHERE view_name = wanted.name)
      THEN
        EXECUTE format('DROP VIEW %I CASCADE', wanted.name);
      END IF;
      IF to_regclass(wanted.name) IS NULL THEN
        created := concat_ws(',', nullif(created, ''), wanted.name);
      END IF;
      EXECUTE format(
        'CREATE MATERIALIZED VIEW IF NOT EXISTS %I WITH (timescaledb.continuous) AS %s WITH NO DATA',
        wanted.name, wanted.query
      );
      EXECUTE format('ALTER MATERIALIZED VIEW %I SET (timescaledb.materialized_only = false)', wanted.name);
      PERFORM add_continuous_aggregate_policy(
        wanted.name::regclass, start_offset => wanted.refreshed, end_offset => wanted.every,
        schedule_interval => wanted.every, if_not_exists => true
      );
      PERFORM alter_job(
        job.job_id, config => job.config || jsonb_build_object('start_offset', wanted.refreshed::text)
      )
      FROM timescaledb_information.continuous_aggregates AS aggregate
      JOIN timescaledb_information.jobs AS job
        ON job.hypertable_name IN (aggregate.view_name, aggregate.materialization_hypertable_name)
      WHERE aggregate.view_name = wanted.name AND job.proc_name = 'policy_refresh_continuous_aggregate'
        AND (job.config ->> 'start_offset')::interval IS DISTINCT FROM wanted.refreshed;
    ELSE
      body := regexp_replace(
        wanted.query, 'time_bucket\((INTERVAL ''[^'']+''), (\w+)\)', 'date_bin(\1, \2, ''epoch'')', 'g'
      );
      body := regexp_replace(body, 'first\((\w+), (\w+)\)', '(array_agg(\1 ORDER BY \2))[1]', 'g');
      body := regexp_replace(body, 'last\((\w+), (\w+)\)', '(array_agg(\1 ORDER BY \2 DESC))[1]', 'g');
      EXECUTE format('CREATE OR REPLACE VIEW %I AS %s', wanted.name, body);
    END IF;
  END LOOP;
  PERFORM set_config('depthflow.created', created, false);
END
$$;

-- New continuous aggregates are filled once from all stored rows, minutes before hours. A refresh is refused inside a
-- transaction and inside a DO block.
SELECT format('CALL refresh_continuous_aggregate(%L, NULL, NULL)', name)
FROM string_to_table(current_setting('depthflow.created'), ',') WITH ORDINALITY AS created (name, place)
WHERE name <> ''
ORDER BY place
\gexec

-- One row per symbol: its latest metrics, the alerts that began in the last hour, and the age of its book in seconds.
-- The recursive query skips along the primary key from symbol to symbol, so its cost does not grow with the history.
-- TimescaleDB applies comparisons of single columns inside compressed chunks, but not `(a, b) > (x, y)`. Alerts are
-- partitioned by episode: an alert of the last hour whose episode began more than 7 days ago is not counted.
CREATE OR REPLACE VIEW dashboard_summary AS
WITH RECURSIVE known AS (
  (SELECT venue, symbol FROM orderbook_metrics ORDER BY venue, symbol LIMIT 1)
  UNION ALL
  SELECT next.venue, next.symbol
  FROM known CROSS JOIN LATERAL (
    (SELECT m.venue, m.symbol FROM orderbook_metrics m
     WHERE m.venue = known.venue AND m.symbol > known.symbol ORDER BY m.symbol LIMIT 1)
    UNION ALL
    (SELECT m.venue, m.symbol FROM orderbook_metrics m
     WHERE m.venue > known.venue ORDER BY m.venue, m.symbol LIMIT 1)
    ORDER BY venue, symbol LIMIT 1
  ) AS next
)
SELECT
  latest.venue,
  latest.symbol,
  latest.ts,
  extract(epoch FROM now()) - latest.event_time / 1000.0 AS age_s,
  latest.best_bid,
  latest.best_ask,
  latest.mid,
  latest.microprice,
  latest.spread_bps,
  latest.bid_depth,
  latest.ask_depth,
  latest.imbalance,
  latest.weighted_imbalance,
  latest.flags,
  alerts.begun AS alerts_1h,
  alerts.high AS high_alerts_1h
FROM known
CROSS JOIN LATERAL (
  SELECT * FROM orderbook_metrics m WHERE m.venue = known.venue AND m.symbol = known.symbol ORDER BY m.ts DESC LIMIT 1
) AS latest
CROSS JOIN LATERAL (
  SELECT
    count(*) FILTER (WHERE a.phase = 'enter') AS begun,
    count(*) FILTER (WHERE a.phase <> 'exit' AND a.severity = 'high') AS high
  FROM orderbook_alerts a
  WHERE a.venue = known.venue AND a.symbol = known.symbol AND a.ts > now() - INTERVAL '1 hour'
    AND a.episode > now() - INTERVAL '7 days'
) AS alerts;

-- One row per option chain: its newest second. The recursive query skips along the primary key from chain to chain.
CREATE OR REPLACE VIEW option_chains AS
WITH RECURSIVE known AS (
  (SELECT venue, underlying FROM underlying_ticks ORDER BY venue, underlying LIMIT 1)
  UNION ALL
  SELECT next.venue, next.underlying
  FROM known CROSS JOIN LATERAL (
    (SELECT t.venue, t.underlying FROM underlying_ticks t
     WHERE t.venue = known.venue AND t.underlying > known.underlying ORDER BY t.underlying LIMIT 1)
    UNION ALL
    (SELECT t.venue, t.underlying FROM underlying_ticks t
     WHERE t.venue > known.venue ORDER BY t.venue, t.underlying LIMIT 1)
    ORDER BY venue, underlying LIMIT 1
  ) AS next
)
SELECT newest.*
FROM known CROSS JOIN LATERAL (
  SELECT * FROM underlying_ticks t
  WHERE t.venue = known.venue AND t.underlying = known.underlying ORDER BY t.ts DESC LIMIT 1
) AS newest;

-- One row per minute, chain and expiry: put-call ratios and max pain; max_pain_distance: its distance from the forward
-- as a fraction of the forward. Rows of the whole chain have no expiry, and no max pain, which is not pooled.
CREATE OR REPLACE VIEW option_positioning AS
SELECT
  bucket,
  venue,
  underlying,
  expiry,
  pcr_open_interest,
  pcr_volume,
  max_pain,
  forward,
  (max_pain - forward) / forward AS max_pain_distance
FROM option_chain_1m
UNION ALL
SELECT bucket, venue, underlying, NULL, pcr_open_interest, pcr_volume, NULL, NULL, NULL
FROM underlying_ticks_1m;

-- One row per expiry of every chain's newest second: the current term structure. `days`: time to the expiry;
-- volatilities are annualised fractions.
CREATE OR REPLACE VIEW option_term_structure AS
SELECT
  m.venue,
  m.underlying,
  m.expiry,
  m.ts,
  365 * m.years AS days,
  m.forward,
  m.atm_iv,
  m.forward_vol,
  m.implied_move,
  m.risk_reversal_25,
  m.butterfly_25,
  m.skew_slope
FROM option_chains c JOIN option_chain_metrics m ON m.venue = c.venue AND m.underlying = c.underlying AND m.ts = c.ts;

-- One row per option of every chain's newest seconds: its open interest, and its change over five minutes, an hour and
-- a day. A change is null if the option has no row between one and two spans before its newest row.
CREATE OR REPLACE VIEW option_interest_changes AS
SELECT
  s.venue,
  s.underlying,
  s.instrument,
  s.expiry,
  s.strike,
  s.kind,
  s.ts,
  s.open_interest,
  s.build_up,
  max(s.open_interest - b.open_interest) FILTER (WHERE spans.span = INTERVAL '5 minutes') AS change_5m,
  max(s.open_interest - b.open_interest) FILTER (WHERE spans.span = INTERVAL '1 hour') AS change_1h,
  max(s.open_interest - b.open_interest) FILTER (WHERE spans.span = INTERVAL '1 day') AS change_1d
FROM option_chains c
CROSS JOIN LATERAL (
  SELECT DISTINCT ON (n.instrument) n.* FROM option_surface n
  WHERE n.venue = c.venue AND n.underlying = c.underlying AND n.ts BETWEEN c.ts - INTERVAL '5 seconds' AND c.ts
  ORDER BY n.instrument, n.ts DESC
) AS s
CROSS JOIN (VALUES (INTERVAL '5 minutes'), (INTERVAL '1 hour'), (INTERVAL '1 day')) AS spans (span)
LEFT JOIN LATERAL (
  SELECT e.open_interest FROM option_surface e
  WHERE e.venue = s.venue AND e.instrument = s.instrument AND e.ts <= s.ts - spans.span AND e.ts > s.ts - 2 * spans.span
  ORDER BY e.ts DESC LIMIT 1
) AS b ON true
GROUP BY s.venue, s.underlying, s.instrument, s.expiry, s.strike, s.kind, s.ts, s.open_interest, s.build_up;

-- One row per option with a build-up class other than neutral (assigned by the options job over five minutes), ranked
-- by the size of the change.
CREATE OR REPLACE VIEW option_build_ups AS
SELECT *, rank() OVER (PARTITION BY venue, underlying ORDER BY abs(change_5m) DESC) AS place
FROM option_interest_changes
WHERE build_up <> 'neutral' AND change_5m <> 0;

-- One row per hour and chain: at-the-money volatility at 30 days, from the total variance interpolated between the
-- expiries on either side.
CREATE OR REPLACE VIEW option_iv_30d AS
WITH neighbours AS (
  SELECT
    bucket,
    venue,
    underlying,
    years,
    atm_iv_close AS iv,
    lead(years) OVER nearest AS next_years,
    lead(atm_iv_close) OVER nearest AS next_iv
  FROM option_chain_1h WHERE atm_iv_close IS NOT NULL
  WINDOW nearest AS (PARTITION BY bucket, venue, underlying ORDER BY years)
)
SELECT
  bucket,
  venue,
  underlying,
  sqrt(
    (iv ^ 2 * years + (next_iv ^ 2 * next_years - iv ^ 2 * years) * (30 / 365.0 - years) / (next_years - years))
      / (30 / 365.0)
  ) AS iv
FROM neighbours
WHERE years <= 30 / 365.0 AND next_years > 30 / 365.0;

-- One row per chain: rank of its 30-day volatility among the hours of a year. `iv_rank`: 0 at the year's low, 1 at its
-- high; null while all hours are equal. `iv_percentile`: share of the hours that were lower. `note`: reason for a null.
CREATE OR REPLACE VIEW option_iv_rank AS
WITH ranked AS (
  SELECT
    *,
    min(iv) OVER chain AS low,
    max(iv) OVER chain AS high,
    count(*) OVER chain AS hours,
    rank() OVER (PARTITION BY venue, underlying ORDER BY iv) - 1 AS lower,
    row_number() OVER (PARTITION BY venue, underlying ORDER BY bucket DESC) AS age
  FROM option_iv_30d
  WHERE bucket > now() - INTERVAL '1 year'
  WINDOW chain AS (PARTITION BY venue, underlying)
)
SELECT
  venue, underlying, bucket, iv, low, high, hours,
  (iv - low) / nullif(high - low, 0) AS iv_rank,
  lower::double precision / nullif(hours - 1, 0) AS iv_percentile,
  CASE WHEN hours = 1 THEN 'one hour so far: a rank needs two' WHEN high = low THEN 'all hours are equal' END AS note
FROM ranked
WHERE age = 1
UNION ALL
SELECT
  venue, underlying, NULL, NULL, NULL, NULL, 0, NULL, NULL,
  'no complete hour with volatilities at the money of expiries on both sides of 30 days'
FROM option_chains c
WHERE NOT EXISTS (SELECT FROM ranked r WHERE r.venue = c.venue AND r.underlying = c.underlying);

-- Least privilege: the jobs write rows, dashboards and the gateway read them, and no role owns a relation. The accounts
-- of the gateway belong to a role of their own; no other role can read them.
DO $$
DECLARE
  wanted text;
BEGIN
  FOREACH wanted IN ARRAY ARRAY['depthflow_writer', 'grafana', 'depthflow_reader', 'depthflow_accounts'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
      EXECUTE format('CREATE ROLE %I LOGIN', wanted);
    END IF;
  END LOOP;
END
$$;
BEGIN;  -- or other roles could read the accounts between GRANT ON ALL TABLES and REVOKE
GRANT USAGE ON SCHEMA public TO depthflow_writer, grafana, depthflow_reader, depthflow_accounts;
GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO depthflow_writer;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO grafana, depthflow_reader;
REVOKE ALL ON users, refresh_tokens FROM depthflow_writer, grafana, depthflow_reader;
GRANT SELECT, INSERT, UPDATE, DELETE ON users, refresh_tokens TO depthflow_accounts;
COMMIT;
