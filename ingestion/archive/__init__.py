"""Archive of Kafka topics as Parquet files, by venue and hour: every record byte for byte, with columns to filter by.

    FOLDER/venue=VENUE/hour=2026-11-20T21/orderbook.raw-0003-00000000000000001200.parquet

A file contains records of one venue, hour, topic and partition in the order of their offsets; its name contains the
first offset. `hour` is the broker's append time (LogAppendTime), UTC. A file gets its final name when it is complete.
`_positions.json` contains the next offset of every partition. It is written after the files: after a crash between the
two, records that the files already contain are recognised by their offsets.
"""
