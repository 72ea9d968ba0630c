"""Kraken's WebSocket v2 frames: truncated book with a CRC32 of the number text; trades."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from functools import lru_cache
from zlib import crc32

from simulator.generator.instruments import NumberTexts
from simulator.generator.market import Market, MarketStep
from simulator.generator.side import Change, ModelSide
from venues.kraken.constants import CHECKSUM_LEVELS


class KrakenEncoder:
    """The book channel publishes the best `depth` levels.

    No frame reports a level beyond them, or that a level has dropped out; a level that returns is published again.
    """

    trade_channel = "trade"
    in_band = True

    def __init__(self, market: Market, first_id: int, depth: int = 25) -> None:
        self.book_channel = self.snapshot_channel = f"book.{depth}"
        self._market = market
        self._depth = depth
        price, size = market.instrument.price, market.instrument.size
        self._price, self._size = NumberTexts(price.fixed), NumberTexts(size.fixed)
        self._price_units, self._size_units = NumberTexts(price.units), NumberTexts(size.units)
        self._symbol = market.instrument.symbol
        self._trade_id = first_id // 1000
        self._edges = {1: 0, -1: 0}
        self._record_edges()

    def reset_ids(self, first_id: int) -> None:
        """Continue with trade ids from `first_id` on; books have none."""
        self._trade_id = first_id // 1000

    def snapshot(self, time_us: int) -> bytes:
        bids, asks = (self._levels(side.top(self._depth)) for side in (self._market.bids, self._market.asks))
        return self._book("snapshot", bids, asks, time_us)

    def delta(self, step: MarketStep, time_us: int) -> bytes | None:
        bids = self._levels(self._visible(self._market.bids, step.bids))
        asks = self._levels(self._visible(self._market.asks, step.asks))
        self._record_edges()
        return self._book("update", bids, asks, time_us) if bids or asks else None

    def trades(self, step: MarketStep, time_us: int) -> Iterator[bytes]:
        if step.fills:
            rows = ",".join(self._trade(fill.buyer, fill.tick, fill.lots, time_us) for fill in step.fills)
            yield f'{{"channel":"trade","type":"update","data":[{rows}]}}'.encode()

    def _visible(self, side: ModelSide, changes: list[Change]) -> list[tuple[int, int]]:
        """Levels to publish to a client that sees `depth` levels, given its edge before the step."""
        sign, old_edge, new_edge = side.sign, self._edges[side.sign], _edge(side, self._depth)
        visible = [
            (tick, after)
            for tick, before, after in changes
            if (sign * tick >= new_edge if after else before and sign * tick >= old_edge)
        ]
        if new_edge < old_edge:
            published = {tick for tick, _ in visible}
            ranks = side.ranks[-self._depth : bisect_left(side.ranks, old_edge)]
            visible += [(sign * rank, side.lots[sign * rank]) for rank in ranks if sign * rank not in published]
        return visible

    def _record_edges(self) -> None:
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
        """CRC32 over the best ten asks, then bids: number text without point and leading zeros, i.e. the units."""
        price, size = self._price_units, self._size_units
        levels = self._market.asks.top(CHECKSUM_LEVELS) + self._market.bids.top(CHECKSUM_LEVELS)
        return crc32("".join([price[tick] + size[lots] for tick, lots in levels]).encode())


def _edge(side: ModelSide, depth: int) -> int:
    """Rank of the worst visible level. All levels are visible on a side with fewer than `depth`."""
    return side.ranks[-depth] if len(side) >= depth else side.ranks[0]


def _timestamp(time_us: int) -> str:
    seconds, micros = divmod(time_us, 1_000_000)
    return f"{_second(seconds)}.{micros:06d}Z"


@lru_cache(maxsize=4)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
