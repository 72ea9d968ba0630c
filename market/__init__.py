"""Public API: order books, option chains and alert rules, without a venue, Flink or a client library.

    builder = venues.registry.open_builder(key, BookConfig(depth=10))    # key: "venue:symbol"
    batch = builder.apply_all(values)    # values: raw records; batch.processed, .trades, .statuses: encoded records

Entry points:
    market.orderbook.builder.BookBuilder         raw records of one symbol to metrics, trades and statuses
    market.options.builder.ChainBuilder          raw records of one underlying to chain and surface records
    market.orderbook.metrics.measure             metrics of one book at one moment
    market.alerts.engine.AlertEngine             ticks and option chains of one key to alerts
    market.alerts.rules.alert_rules              all alert rules with unit, range and default thresholds

Both builders have `apply_all(values)`, `mark_stale(now_ms)` and `journal()`; `restore` makes a builder from the entries
of its journal. Output depends on the values only, not on batches, restores or a wall clock. Invalid values become
`Reject`s of the batch; `apply_all` raises nothing. `restore` raises `market.journal_entries.UnknownVersion` for entries
in another format. A builder is not thread-safe. `BookBuilder.poll` publishes the ticks of a quiet book; without it, the
next record does.

Units: docs/metrics.md. Times are epoch ms, names in `_us` epoch µs; None means undefined.
"""
