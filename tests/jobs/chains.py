"""Raw records of generated option chains, and what is newest of all that was said of them."""

import json
from collections.abc import Iterable, Iterator
from math import inf

import msgspec

from ingestion.generator.chain import ChainModel, ChainShape
from ingestion.generator.option_frames import instruments, notification, tickers
from ingestion.generator.underlyings import UNDERLYINGS
from ingestion.stamping import Stamper, connection_id
from market.records import Envelope

OPEN_MS = 1_795_176_000_000  # 2026-11-20T12:00:00Z


def chain_values(name: str, steps: int, shape: ChainShape, every_ms: int = 150) -> list[bytes]:
    """Encoded envelopes of one chain: its instruments, then at each step the index and the tickers of one expiry."""
    return [msgspec.json.encode(envelope) for envelope in _envelopes(name, steps, shape, every_ms)]


def _envelopes(name: str, steps: int, shape: ChainShape, every_ms: int) -> Iterator[Envelope]:
    made = ChainModel(UNDERLYINGS[name], shape, 1, OPEN_MS)
    item, stamper = made.underlying, Stamper("deribit", connection_id("chains", name))
    rows = [row for part in made.slices for row in instruments(item, part)]
    yield stamper.stamp("instrument", name, OPEN_MS * 1000, msgspec.json.encode({"jsonrpc": "2.0", "result": rows}))
    for time in range(OPEN_MS, OPEN_MS + steps * every_ms, every_ms):
        quotes = made.step(time)
        index = {"index_name": item.index_name, "timestamp": time, "price": quotes.index_price}
        channel = f"deribit_price_index.{item.index_name}"
        yield stamper.stamp("index", item.index_name, time * 1000, notification(channel, index))
        for option, row in tickers(item, quotes):
            frame = notification(f"ticker.{option}.100ms", row)
            yield stamper.stamp("ticker.100ms", option, time * 1000, frame)


def newest(lines: Iterable[bytes], until_ms: float = inf) -> dict[tuple[object, ...], bytes]:
    """The last line of each expiry or option and second, as a table of them holds; none after `until_ms`.

    A second is said again when the job's clock closed it too early, as it may on a busy machine.
    """
    rows = ((json.loads(line), line) for line in lines)
    keys = (((row["event_time"], row.get("expiry"), row.get("instrument")), line) for row, line in rows)
    return {key: line for key, line in sorted(keys, key=lambda pair: pair[0][0]) if key[0] <= until_ms}
