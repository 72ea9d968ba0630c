"""Frames into the raw topics: forwarders, recordings, replay, generator."""
