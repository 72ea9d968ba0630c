-- Every alert onto its topic.
INSERT INTO alert_records_sink
SELECT CONCAT(venue, ':', symbol), id, venue, symbol, rule, severity, phase, episode, event_time, `value`, threshold, message
FROM alerts
