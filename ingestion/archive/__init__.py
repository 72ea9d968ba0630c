"""Raw topics in Parquet, by venue and hour: every record to the byte, and columns to find it by.

    FOLDER/venue=kraken/hour=2026-11-20T21/orderbook.raw-0003-00000000000000001200.parquet

A file holds records of one venue, hour, topic and partition in the order of their offsets; its name has the first one.
`hour` is the broker's (LogAppendTime), UTC. A file has its final name only once it is whole. `_positions.json` says how
far all files together reach; it is written after them, so what a crash leaves beyond it is recognised by its offsets.
"""
