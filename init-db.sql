-- depthflow's database: tables, roles, dashboards' views; on TimescaleDB hypertables with compression, retention, continuous aggregates.
-- Plain `psql -v ON_ERROR_STOP=1 -f init-db.sql`, as the database's owner; a second time changes nothing, and what is stored stays.
-- On plain PostgreSQL 15 to 18 the same tables and views exist, and a notice says what only TimescaleDB adds.
-- Roles carry no password: set them by ALTER ROLE.
SET client_min_messages = notice;

DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_available_extensions WHERE name = 'timescaledb') THEN
    CREATE EXTENSION IF NOT EXISTS timescaledb;
  ELSE
    RAISE NOTICE 'TimescaleDB is not available here: no hypertables, no compression, no retention; continuous aggregates are plain views';
  END IF;
END
$$;

-- One row per symbol and second of event time: the last metrics record of that second.
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
  PRIMARY KEY (venue, symbol, ts)
);
CREATE INDEX IF NOT EXISTS orderbook_metrics_ts ON orderbook_metrics (ts DESC);

-- One row per symbol, window size ('1s', '10s' beginning every second, '1m') and window start: topic orderbook.windows.
-- `_twa`: mean weighted by the time each value stood; `out_of_sync`: share of the window in which the book was not to be trusted.
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

-- One row per alert: topic orderbook.alerts. `episode` is when the condition began, and every phase of it carries it.
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

-- One row per symbol and second with trades; volumes in base units, notional in quote, signed_volume = taker buys - taker sells.
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

-- TimescaleDB: a chunk a day, compressed after a day, dropped after the table's own time.
DO $$
DECLARE
  stored record;
BEGIN
  IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb') THEN
    RETURN;
  END IF;
  FOR stored IN
    SELECT * FROM (VALUES
      ('orderbook_metrics', 'ts', INTERVAL '90 days'),
      ('orderbook_windows', 'window_start', INTERVAL '90 days'),
      ('orderbook_alerts', 'episode', INTERVAL '1 year'),
      ('trades_1s', 'ts', INTERVAL '1 year')
    ) AS listed (name, time_column, kept)
  LOOP
    PERFORM create_hypertable(stored.name::regclass, by_range(stored.time_column::name, INTERVAL '1 day'), if_not_exists => true, migrate_data => true);
    EXECUTE format(
      'ALTER TABLE %I SET (timescaledb.enable_columnstore, timescaledb.segmentby = ''venue,symbol'', timescaledb.orderby = %L)',
      stored.name, stored.time_column || ' DESC'
    );
    EXECUTE format('CALL add_columnstore_policy(%L, after => INTERVAL ''1 day'', if_not_exists => true)', stored.name);
    PERFORM add_retention_policy(stored.name::regclass, stored.kept, if_not_exists => true);
  END LOOP;
END
$$;

-- Minutes and hours, the hours over the minutes: continuous aggregates, or plain views of the same name.
-- The definitions are written once, in TimescaleDB's words; plain PostgreSQL has others for time_bucket, first and last.
DO $$
DECLARE
  timescale constant boolean := EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb');
  wanted record;
  body text;
BEGIN
  FOR wanted IN
    SELECT * FROM (VALUES
      ('orderbook_metrics_1m', INTERVAL '1 hour', INTERVAL '1 minute', $view$
SELECT time_bucket(INTERVAL '1 minute', ts) AS bucket, venue, symbol, count(*) AS seconds,
  first(mid, ts) AS mid_open, max(mid) AS mid_high, min(mid) AS mid_low, last(mid, ts) AS mid_close,
  avg(imbalance) AS imbalance, min(imbalance) AS imbalance_low, max(imbalance) AS imbalance_high,
  avg(weighted_imbalance) AS weighted_imbalance, avg(spread_bps) AS spread_bps, max(spread_bps) AS spread_bps_high,
  avg(bid_depth) AS bid_depth, avg(ask_depth) AS ask_depth
FROM orderbook_metrics GROUP BY 1, 2, 3$view$),
      ('orderbook_metrics_1h', INTERVAL '1 day', INTERVAL '1 hour', $view$
SELECT time_bucket(INTERVAL '1 hour', bucket) AS bucket, venue, symbol, sum(seconds) AS seconds,
  first(mid_open, bucket) AS mid_open, max(mid_high) AS mid_high, min(mid_low) AS mid_low, last(mid_close, bucket) AS mid_close,
  sum(imbalance * seconds) / sum(seconds) FILTER (WHERE imbalance IS NOT NULL) AS imbalance, min(imbalance_low) AS imbalance_low, max(imbalance_high) AS imbalance_high,
  sum(weighted_imbalance * seconds) / sum(seconds) FILTER (WHERE weighted_imbalance IS NOT NULL) AS weighted_imbalance,
  sum(spread_bps * seconds) / sum(seconds) FILTER (WHERE spread_bps IS NOT NULL) AS spread_bps, max(spread_bps_high) AS spread_bps_high,
  sum(bid_depth * seconds) / sum(seconds) AS bid_depth, sum(ask_depth * seconds) / sum(seconds) AS ask_depth
FROM orderbook_metrics_1m GROUP BY 1, 2, 3$view$),
      ('trades_1m', INTERVAL '1 hour', INTERVAL '1 minute', $view$
SELECT time_bucket(INTERVAL '1 minute', ts) AS bucket, venue, symbol,
  first(open, ts) AS open, max(high) AS high, min(low) AS low, last(close, ts) AS close,
  sum(volume) AS volume, sum(notional) AS notional, sum(notional) / nullif(sum(volume), 0) AS vwap,
  sum(signed_volume) AS signed_volume, sum(trades) AS trades, sum(buys) AS buys
FROM trades_1s GROUP BY 1, 2, 3$view$),
      ('trades_1h', INTERVAL '1 day', INTERVAL '1 hour', $view$
SELECT time_bucket(INTERVAL '1 hour', bucket) AS bucket, venue, symbol,
  first(open, bucket) AS open, max(high) AS high, min(low) AS low, last(close, bucket) AS close,
  sum(volume) AS volume, sum(notional) AS notional, sum(notional) / nullif(sum(volume), 0) AS vwap,
  sum(signed_volume) AS signed_volume, sum(trades) AS trades, sum(buys) AS buys
FROM trades_1m GROUP BY 1, 2, 3$view$)
    ) AS listed (name, redone, every, query)
  LOOP
    IF timescale THEN
      -- A database that was plain before has plain views of these names.
      IF EXISTS (SELECT FROM pg_views WHERE schemaname = current_schema AND viewname = wanted.name)
        AND NOT EXISTS (SELECT FROM timescaledb_information.continuous_aggregates WHERE view_name = wanted.name)
      THEN
        EXECUTE format('DROP VIEW %I CASCADE', wanted.name);
      END IF;
      EXECUTE format('CREATE MATERIALIZED VIEW IF NOT EXISTS %I WITH (timescaledb.continuous) AS %s WITH NO DATA', wanted.name, wanted.query);
      EXECUTE format('ALTER MATERIALIZED VIEW %I SET (timescaledb.materialized_only = false)', wanted.name);
      PERFORM add_continuous_aggregate_policy(
        wanted.name::regclass, start_offset => wanted.redone, end_offset => wanted.every, schedule_interval => wanted.every, if_not_exists => true
      );
    ELSE
      body := regexp_replace(wanted.query, 'time_bucket\((INTERVAL ''[^'']+''), (\w+)\)', 'date_bin(\1, \2, ''epoch'')', 'g');
      body := regexp_replace(body, 'first\((\w+), (\w+)\)', '(array_agg(\1 ORDER BY \2))[1]', 'g');
      body := regexp_replace(body, 'last\((\w+), (\w+)\)', '(array_agg(\1 ORDER BY \2 DESC))[1]', 'g');
      EXECUTE format('CREATE OR REPLACE VIEW %I AS %s', wanted.name, body);
    END IF;
  END LOOP;
END
$$;

-- One row per symbol: its latest metrics, the alerts that began in the last hour, and the age of its book in seconds.
-- Symbols are found by skipping along the primary key, so that the length of the history does not matter.
CREATE OR REPLACE VIEW dashboard_summary AS
WITH RECURSIVE known AS (
  (SELECT venue, symbol FROM orderbook_metrics ORDER BY venue, symbol LIMIT 1)
  UNION ALL
  SELECT next.venue, next.symbol
  FROM known CROSS JOIN LATERAL (
    SELECT m.venue, m.symbol FROM orderbook_metrics m
    WHERE (m.venue, m.symbol) > (known.venue, known.symbol) ORDER BY m.venue, m.symbol LIMIT 1
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
  SELECT count(*) FILTER (WHERE a.phase = 'enter') AS begun, count(*) FILTER (WHERE a.phase <> 'exit' AND a.severity = 'high') AS high
  FROM orderbook_alerts a WHERE a.venue = known.venue AND a.symbol = known.symbol AND a.ts > now() - INTERVAL '1 hour'
) AS alerts;

-- Least privilege: the jobs write rows, dashboards read them, neither owns anything.
DO $$
DECLARE
  wanted text;
BEGIN
  FOREACH wanted IN ARRAY ARRAY['depthflow_writer', 'grafana'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
      EXECUTE format('CREATE ROLE %I LOGIN', wanted);
    END IF;
  END LOOP;
END
$$;
GRANT USAGE ON SCHEMA public TO depthflow_writer, grafana;
GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO depthflow_writer;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO grafana;
