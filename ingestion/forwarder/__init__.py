"""Forwarders: stream an exchange's frames, stamped and otherwise unchanged, into the raw topics.

Path of a frame: `connection` (socket) -> `session` (state machine without I/O) -> `forwarder` (topic and key) ->
`buffered_producer` (bounded queue, disk buffer, Kafka client). `pool` distributes streams over connections;
`recovery` fetches snapshots or resubscribes for lost books; `monitoring` serves health and metrics.
"""
