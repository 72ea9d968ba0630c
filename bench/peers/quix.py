"""Books over Quix Streams, run by `bench peers` in an environment with Quix Streams and the domain's libraries.

A call for each frame, the journal of each book in RocksDB with its changelog topic, exactly-once. It publishes the
processed records only, and reads no trades: less than the books job does.
"""

import sys
from collections.abc import Iterator
from typing import Any

from quixstreams import Application

from market.journal_entries import Append, Replace
from market.orderbook.book_config import BookConfig
from market.orderbook.builder import BookBuilder
from venues.registry import open_builder

EMPTY = {"first": 0, "next": 0}  # numbers of the entries of a journal


class Books:
    """Builders by key, whose journals are in the state of Quix Streams."""

    def __init__(self) -> None:
        self._builders: dict[str, Any] = {}

    def apply(self, value: bytes, key: bytes, timestamp: int, headers: Any, state: Any) -> Iterator[bytes]:
        """Apply one frame, save the change, and return the processed records."""
        name = key.decode()
        if name not in self._builders:
            self._builders[name] = self._open(name, state)
        builder: BookBuilder = self._builders[name]
        batch = builder.apply_all((value,))
        self._save(builder.journal(), state)
        return iter(batch.processed)

    def _open(self, key: str, state: Any) -> Any:
        entries = state.get("entries", EMPTY)
        saved = (state.get_bytes(f"entry-{number}") for number in range(entries["first"], entries["next"]))
        return open_builder(key, BookConfig(), saved)

    def _save(self, entry: Append | Replace | None, state: Any) -> None:
        if entry is None:
            return
        entries = state.get("entries", EMPTY)
        number = entries["next"]
        state.set_bytes(f"entry-{number}", entry.entry)
        if isinstance(entry, Replace):
            for old in range(entries["first"], number):
                state.delete(f"entry-{old}")
            entries = {"first": number}
        state.set("entries", {"first": entries["first"], "next": number + 1})


def main(bootstrap_servers: str, source: str, sink: str, folder: str) -> None:
    """Process the topic `source` into `sink` until the process is stopped; `folder`: of the state."""
    application = Application(
        broker_address=bootstrap_servers,
        consumer_group=f"{sink}.quix",
        auto_offset_reset="earliest",
        commit_interval=1.0,  # the checkpoint interval of the job
        processing_guarantee="exactly-once",
        state_dir=folder,
        loglevel="WARNING",
        producer_extra_config={"compression.type": "lz4", "linger.ms": 5},
    )
    raw = application.topic(source, key_deserializer="bytes", value_deserializer="bytes")
    processed = application.topic(sink, key_serializer="bytes", value_serializer="bytes")
    stream = application.dataframe(raw)
    stream.apply(Books().apply, stateful=True, expand=True, metadata=True).to_topic(processed)
    application.run()


if __name__ == "__main__":
    main(*sys.argv[1:5])
