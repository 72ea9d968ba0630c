"""Pure domain: venues, books, metrics, records. Imports neither Flink nor a client library."""
