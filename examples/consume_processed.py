"""Consume `orderbook.processed`: print symbol, mid and imbalance of every book update.

Reads committed records only: an exactly-once job that restarts shows no update twice. Records undecided by an open
transaction (about a second, the job's checkpoint interval) arrive when it commits.

    python examples/consume_processed.py            # from now on, until Ctrl-C
    python examples/consume_processed.py 100        # the first 100 records of the topic

Environment: KAFKA_BOOTSTRAP_SERVERS (localhost:9092), TOPIC_PREFIX (none).
Needs: pip install "kafka-python[crc32c]" lz4
"""

import json
import os
import sys

from kafka import KafkaConsumer


def main() -> None:
    limit = int(sys.argv[1]) if len(sys.argv) > 1 else None
    consumer = KafkaConsumer(
        os.environ.get("TOPIC_PREFIX", "") + "orderbook.processed",
        bootstrap_servers=os.environ.get("KAFKA_BOOTSTRAP_SERVERS", "localhost:9092"),
        isolation_level="read_committed",
        auto_offset_reset="latest" if limit is None else "earliest",
        group_id=None,  # no committed offsets: every run starts afresh; a group shares partitions and resumes
    )
    for number, message in enumerate(consumer, start=1):
        record = json.loads(message.value)
        # An undefined metric (for example, of an empty side) is null; `flags` names the reason.
        mid, imbalance = record["mid"], record["imbalance"]
        if mid is not None and imbalance is not None:
            print(f"{record['venue']}:{record['symbol']} mid {mid:.2f} imbalance {imbalance:+.3f}", flush=True)
        if number == limit:
            break
    consumer.close()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
