"""Writes market data into the raw topics: live forwarders, recordings, replay; and rebuilds books without Flink."""
