-- Passwords of the roles that init-db.sql creates, from the environment; a role that does not exist is left out.
\getenv writer POSTGRES_WRITER_PASSWORD
\getenv grafana GRAFANA_PASSWORD
\getenv reader POSTGRES_READER_PASSWORD
\getenv accounts POSTGRES_ACCOUNTS_PASSWORD
SELECT format('ALTER ROLE %I PASSWORD %L', role, password)
FROM (VALUES
  ('depthflow_writer', :'writer'),
  ('grafana', :'grafana'),
  ('depthflow_reader', :'reader'),
  ('depthflow_accounts', :'accounts')
) AS given (role, password)
JOIN pg_roles ON rolname = role
\gexec
