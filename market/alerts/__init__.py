"""Alerts of books and option chains: rules and thresholds, readings, the life of an alert, the engine of one key.

    table = RuleTable(alert_rules(settings), overrides)
    engine = AlertEngine("venue:symbol", table, silence_ms=90_000)
    batch = engine.apply_all("orderbook.ticks", values)    # values: encoded ticks; batch.alerts: keys, encoded alerts

docs/alerts.md has the rules and the life of an alert.
"""
