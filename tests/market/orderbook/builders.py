"""Raw records in one line each, with valid defaults for every part that a test does not name."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timezone
from typing import Any
from zlib import crc32

from market.journal_entries import Append, Replace
from market.orderbook.book_batch import Batch
from market.orderbook.book_config import BookConfig
from market.orderbook.builder import BookBuilder
from venues.registry import open_builder

OPEN_US = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z
OPEN = OPEN_US // 1000
ONE_SECOND = 1_000_000
SYMBOLS = {"binance": "ETHUSDT", "binance_usdm": "BTCUSDT", "kraken": "BTC/USD", "deribit": "BTC-PERPETUAL"}
CHANNELS = {"binance": "depth@100ms", "binance_usdm": "depth@100ms", "kraken": "book.10", "deribit": "book.100ms"}
Levels = Sequence[tuple[float, float]]


def envelope(venue: str, frame: Any, channel: str = "", at: float = 0, conn: str = "a", seq: int = 0) -> bytes:
    """A raw record; `at` is seconds after OPEN."""
    text = frame if isinstance(frame, str) else json.dumps(frame)
    head = {"venue": venue, "channel": channel or CHANNELS[venue], "symbol": SYMBOLS[venue], "conn": conn, "seq": seq}
    head["recv_us"] = OPEN_US + int(at * ONE_SECOND)
    return (json.dumps(head)[:-1] + ', "frame": ' + text + "}").encode()


def event(venue: str, name: str, at: float = 0, conn: str = "a", seq: int = 0) -> bytes:
    """A connection event."""
    head = {"venue": venue, "channel": "connection", "symbol": SYMBOLS[venue], "conn": conn, "seq": seq}
    return json.dumps(head | {"recv_us": OPEN_US + int(at * ONE_SECOND), "event": name}).encode()


def quoted_levels(levels: Levels) -> list[list[str]]:
    return [[f"{price:.2f}", f"{size:.8f}"] for price, size in levels]


def spot(first: int, last: int, bids: Levels = (), asks: Levels = (), at: float = 0, **where: Any) -> bytes:
    """A Binance spot update with ids first..last."""
    data = {"e": "depthUpdate", "E": OPEN + int(at * 1000), "s": "ETHUSDT", "U": first, "u": last}
    data |= {"b": quoted_levels(bids), "a": quoted_levels(asks)}
    return envelope("binance", {"stream": "ethusdt@depth@100ms", "data": data}, at=at, **where)


def usdm(
    previous: int, first: int, last: int, bids: Levels = (), asks: Levels = (), at: float = 0, **where: Any
) -> bytes:
    """A Binance USD-M update with ids first..last after previous, matched 5 ms before it was sent."""
    data = {"e": "depthUpdate", "E": OPEN + int(at * 1000), "T": OPEN + int(at * 1000) - 5, "s": "BTCUSDT"}
    data |= {"U": first, "u": last, "pu": previous, "b": quoted_levels(bids), "a": quoted_levels(asks)}
    return envelope("binance_usdm", {"stream": "btcusdt@depth@100ms", "data": data}, at=at, **where)


def rest_snapshot(
    venue: str, last: int, bids: Levels = ((100, 1),), asks: Levels = ((101, 1),), at: float = 0
) -> bytes:
    """A Binance REST snapshot."""
    frame = {"lastUpdateId": last, "bids": quoted_levels(bids), "asks": quoted_levels(asks)}
    return envelope(venue, frame, "snapshot", at, "rest")


def deribit(
    change: int, previous: int | None = None, bids: Levels = (), asks: Levels = (), at: float = 0, **where: Any
) -> bytes:
    """A Deribit book message: a snapshot without `previous`; size 0 deletes."""
    sides = {"bids": _actions(bids), "asks": _actions(asks)}
    data = {"type": "snapshot" if previous is None else "change", "timestamp": OPEN + int(at * 1000)}
    data |= {"instrument_name": "BTC-PERPETUAL", "change_id": change, **sides}
    if previous is not None:
        data["prev_change_id"] = previous
    params = {"channel": "book.BTC-PERPETUAL.100ms", "data": data}
    return envelope("deribit", {"jsonrpc": "2.0", "method": "subscription", "params": params}, at=at, **where)


def _actions(levels: Levels) -> list[list[Any]]:
    return [["new" if size else "delete", price, float(size)] for price, size in levels]


class Kraken:
    """A Kraken connection that maintains its book, to compute checksums and `seq`."""

    def __init__(self, conn: str = "a", depth: int = 10) -> None:
        self.conn = conn
        self.depth = depth
        self.seq = -1
        self.bids: dict[float, float] = {}
        self.asks: dict[float, float] = {}

    def snapshot(self, bids: Levels = ((100, 1),), asks: Levels = ((101, 1),), at: float = 0) -> bytes:
        self.bids, self.asks = {}, {}
        return self.message("snapshot", bids, asks, at)

    def update(self, bids: Levels = (), asks: Levels = (), at: float = 0, checksum: int | None = None) -> bytes:
        return self.message("update", bids, asks, at, checksum)

    def message(self, kind: str, bids: Levels, asks: Levels, at: float, checksum: int | None = None) -> bytes:
        for side, levels, best in ((self.bids, bids, True), (self.asks, asks, False)):
            side.update(levels)
            best_prices = sorted((price for price, size in side.items() if size), reverse=best)[: self.depth]
            truncated = {price: side[price] for price in best_prices}
            side.clear()
            side.update(truncated)
        self.seq += 1
        crc = self.checksum() if checksum is None else checksum
        sides = ",".join(f'"{name}":[{_objects(levels)}]' for name, levels in (("bids", bids), ("asks", asks)))
        moment = datetime.fromtimestamp(OPEN / 1000 + at, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        data = f'{{"symbol":"BTC/USD",{sides},"checksum":{crc},"timestamp":"{moment}"}}'
        frame = f'{{"channel":"book","type":"{kind}","data":[{data}]}}'
        return envelope("kraken", frame, f"book.{self.depth}", at, self.conn, self.seq)

    def checksum(self) -> int:
        asks, bids = sorted(self.asks)[:10], sorted(self.bids, reverse=True)[:10]
        levels = [(price, self.asks[price]) for price in asks] + [(price, self.bids[price]) for price in bids]
        return crc32("".join(_digits(f"{price:.1f}") + _digits(f"{size:.8f}") for price, size in levels).encode())


def _digits(text: str) -> str:
    return text.replace(".", "").lstrip("0")


def _objects(levels: Levels) -> str:
    return ",".join(f'{{"price":{price:.1f},"qty":{size:.8f}}}' for price, size in levels)


def new_builder(venue: str, **config: Any) -> BookBuilder:
    """A new builder of the venue's symbol."""
    builder = open_builder(f"{venue}:{SYMBOLS[venue]}", BookConfig(**config))
    assert isinstance(builder, BookBuilder)
    return builder


def build_batch(venue: str, *values: bytes | None, **config: Any) -> Batch:
    """The batch of a new builder that applied all values at once."""
    return new_builder(venue, **config).apply_all(values)


def rows(batch: Batch) -> list[dict[str, Any]]:
    """Processed records."""
    return [json.loads(line) for line in batch.processed]


def statuses(batch: Batch) -> list[str]:
    """`state reason` of every status."""
    return [f"{line['state']} {line['reason']}" for line in map(json.loads, batch.statuses)]


def resync_reasons(batch: Batch) -> list[str]:
    """The reasons of every resync request."""
    return [json.loads(line)["reason"] for line in batch.resyncs]


def reject_reasons(batch: Batch) -> list[str]:
    """The reason of every reject."""
    return [reject.reason for reject in batch.rejects]


class JournalState:
    """Stand-in for the keyed state of a job."""

    def __init__(self) -> None:
        self.entries: list[bytes] = []

    def write(self, written: Append | Replace | None) -> None:
        if isinstance(written, Replace):
            self.entries.clear()
        if written is not None:
            self.entries.append(written.entry)


def batches_with_restores(
    venue: str, values: Iterable[bytes | None], cuts: Iterable[int], **config: Any
) -> list[Batch]:
    """Batches of the values cut at `cuts`, by a builder that is restored from its journal before every batch."""
    sequence, state, batches, start = list(values), JournalState(), [], 0
    for end in [*sorted(cuts), len(sequence)]:
        builder = open_builder(f"{venue}:{SYMBOLS[venue]}", BookConfig(**config), state.entries)
        batches.append(builder.apply_all(sequence[start:end]))
        state.write(builder.journal())
        start = end
    return batches


def combined_output(batches: Iterable[Batch]) -> tuple[list[bytes], ...]:
    """Output that must not depend on the cuts: records, trades, statuses, requests and the last book."""
    all_batches = list(batches)
    lists = [[line for batch in all_batches for line in getattr(batch, name)] for name in RECORD_LISTS]
    return (*lists, [batch.book for batch in all_batches if batch.book][-1:])


RECORD_LISTS = ("processed", "trades", "statuses", "resyncs", "ticks", "trade_ticks", "windows", "bars")
