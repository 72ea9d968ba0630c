"""Kraken's WebSocket v2 frames: book with CRC32 of the number text, truncated as it does; trades (`venues.md` §4)."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from functools import lru_cache
from zlib import crc32

from ingestion.generator.instruments import Texts
from ingestion.generator.market import Market, Step
from ingestion.generator.side import Change, Side

CRC_LEVELS = 10


class KrakenEncoder:
    """The book channel shows the best `depth` levels: a client hears nothing of a level beyond them, nor that one fell
    out, and is told again of one that comes back.
    """

    trade_channel = "trade"
    in_band = True

    def __init__(self, market: Market, first_id: int, depth: int = 25) -> None:
        self.book_channel = self.snapshot_channel = f"book.{depth}"
        self._market = market
        self._depth = depth
        price, size = market.instrument.price, market.instrument.size
        self._price, self._size = Texts(price.fixed), Texts(size.fixed)
        self._price_units, self._size_units = Texts(price.units), Texts(size.units)
        self._symbol = market.instrument.symbol
        self._trade_id = first_id // 1000
        self._edges = {1: 0, -1: 0}
        self._seen()

    def snapshot(self, time_us: int) -> bytes:
        bids, asks = (self._levels(side.top(self._depth)) for side in (self._market.bids, self._market.asks))
        return self._book("snapshot", bids, asks, time_us)

    def delta(self, step: Step, time_us: int) -> bytes | None:
        bids = self._levels(self._visible(self._market.bids, step.bids))
        asks = self._levels(self._visible(self._market.asks, step.asks))
        self._seen()
        return self._book("update", bids, asks, time_us) if bids or asks else None

    def trades(self, step: Step, time_us: int) -> Iterator[bytes]:
        if step.fills:
            rows = ",".join(self._trade(fill.buyer, fill.tick, fill.lots, time_us) for fill in step.fills)
            yield f'{{"channel":"trade","type":"update","data":[{rows}]}}'.encode()

    def _visible(self, side: Side, changes: list[Change]) -> list[tuple[int, int]]:
        """What a client that sees `depth` levels must be told, given what it could see before (the edge)."""
        sign, old_edge, new_edge = side.sign, self._edges[side.sign], _edge(side, self._depth)
        told = [
            (tick, after)
            for tick, before, after in changes
            if (sign * tick >= new_edge if after else before and sign * tick >= old_edge)
        ]
        if new_edge < old_edge:
            known = {tick for tick, _ in told}
            ranks = side.ranks[-self._depth : bisect_left(side.ranks, old_edge)]
            told += [(sign * rank, side.lots[sign * rank]) for rank in ranks if sign * rank not in known]
        return told

    def _seen(self) -> None:
        for side in (self._market.bids, self._market.asks):
            self._edges[side.sign] = _edge(side, self._depth)

    def _book(self, kind: str, bids: str, asks: str, time_us: int) -> bytes:
        return (
            f'{{"channel":"book","type":"{kind}","data":[{{"symbol":"{self._symbol}","bids":[{bids}],"asks":[{asks}],'
            f'"checksum":{self._checksum()},"timestamp":"{_timestamp(time_us)}"}}]}}'
        ).encode()

    def _trade(self, buyer: bool, tick: int, lots: int, time_us: int) -> str:
        self._trade_id += 1
        return (
            f'{{"symbol":"{self._symbol}","side":"{"buy" if buyer else "sell"}","price":{self._price[tick]},'
            f'"qty":{self._size[lots]},"ord_type":"market","trade_id":{self._trade_id},'
            f'"timestamp":"{_timestamp(time_us)}"}}'
        )

    def _levels(self, levels: Iterable[tuple[int, int]]) -> str:
        price, size = self._price, self._size
        return ",".join([f'{{"price":{price[tick]},"qty":{size[lots]}}}' for tick, lots in levels])

    def _checksum(self) -> int:
        """CRC32 over the best ten asks, then bids: number text without point and leading zeros, which is its units."""
        price, size = self._price_units, self._size_units
        levels = self._market.asks.top(CRC_LEVELS) + self._market.bids.top(CRC_LEVELS)
        return crc32("".join([price[tick] + size[lots] for tick, lots in levels]).encode())


def _edge(side: Side, depth: int) -> int:
    """Rank of the worst visible level; everything is visible on a side that is not full."""
    return side.ranks[-depth] if len(side) >= depth else side.ranks[0]


def _timestamp(time_us: int) -> str:
    seconds, micros = divmod(time_us, 1_000_000)
    return f"{_second(seconds)}.{micros:06d}Z"


@lru_cache(maxsize=4)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
