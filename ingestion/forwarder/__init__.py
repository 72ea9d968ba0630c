"""Forwarders: what exchanges say, stamped and otherwise untouched, into the raw topics.

A frame's path: `link` (transport) -> `session` (state machine, no I/O) -> `outlet` (bounded queue, disk, producer).
Around it `pool` spreads streams over links, `snapshots` and `resync` answer lost books, `operations` tells how it goes.
"""
