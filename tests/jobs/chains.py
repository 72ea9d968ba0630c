"""Raw records of generated option chains, and the newest of a chain's output records."""

import json
from collections.abc import Iterable, Iterator
from math import inf

import msgspec

from core.records import Envelope
from simulator.generator.chain import ChainModel, ChainShape
from simulator.generator.underlyings import UNDERLYINGS
from simulator.venues.deribit.option_frames import instruments, notification, tickers
from venues.stamping import Stamper, connection_id

OPEN_MS = 1_795_176_000_000  # 2026-11-20T12:00:00Z


def chain_values(name: str, steps: int, shape: ChainShape, every_ms: int = 150) -> list[bytes]:
    """Encoded envelopes of one chain: its instruments, then for each step the index and the tickers of one expiry."""
    return [msgspec.json.encode(envelope) for envelope in _envelopes(name, steps, shape, every_ms)]


def _envelopes(name: str, steps: int, shape: ChainShape, every_ms: int) -> Iterator[Envelope]:
    model = ChainModel(UNDERLYINGS[name], shape, 1, OPEN_MS)
    underlying, stamper = model.underlying, Stamper("deribit", connection_id("chains", name))
    rows = [row for expiry_slice in model.slices for row in instruments(underlying, expiry_slice)]
    yield stamper.stamp("instrument", name, OPEN_MS * 1000, msgspec.json.encode({"jsonrpc": "2.0", "result": rows}))
    for time in range(OPEN_MS, OPEN_MS + steps * every_ms, every_ms):
        quotes = model.step(time)
        index = {"index_name": underlying.index_name, "timestamp": time, "price": quotes.index_price}
        channel = f"deribit_price_index.{underlying.index_name}"
        yield stamper.stamp("index", underlying.index_name, time * 1000, notification(channel, index))
        for option, row in tickers(underlying, quotes):
            frame = notification(f"ticker.{option}.100ms", row)
            yield stamper.stamp("ticker.100ms", option, time * 1000, frame)


def newest(lines: Iterable[bytes], until_ms: float = inf) -> dict[tuple[object, ...], bytes]:
    """Last record of each second and expiry or option, as a table would contain it; none after `until_ms`.

    A second is emitted again when the job's timer closed it too early, which can happen on a busy machine.
    """
    rows = ((json.loads(line), line) for line in lines)
    keys = (((row["event_time"], row.get("expiry"), row.get("instrument")), line) for row, line in rows)
    return {key: line for key, line in sorted(keys, key=lambda pair: pair[0][0]) if key[0] <= until_ms}
