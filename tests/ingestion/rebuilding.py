"""Frames to rebuild books from, and runs of `depthflow rebuild`."""

from zlib import crc32

import msgspec
from typer.testing import CliRunner, Result

from ingestion import cli

SNAPSHOT = '{"lastUpdateId":100,"bids":[["100.0","5"]],"asks":[["100.2","7"]]}'


def depth(number: int, symbol: str = "BTCUSDT", time: int = 1_756_220_468_099) -> str:
    """A depth update of one id."""
    ids = f'"U":{number},"u":{number}'
    data = f'{{"e":"depthUpdate","E":{time + number},"s":"{symbol}",{ids},"b":[["100.1","{number}"]],"a":[]}}'
    return f'{{"stream":"{symbol.lower()}@depth@100ms","data":{data}}}'


DEPTHS = [depth(number) for number in range(101, 105)]


class KrakenBook:
    """Frames of one Kraken book with right checksums, at a subscribed depth that no frame names."""

    def __init__(self, symbol: str = "BTC/USD", levels: int = 12) -> None:
        self.symbol = symbol
        self.bids = {1000 - level: 1 + level for level in range(levels)}
        self.asks = {1001 + level: 1 + level for level in range(levels)}
        self.number = 0

    def snapshot(self) -> str:
        return self._frame("snapshot", self.bids, self.asks)

    def update(self, side: str, price: int, size: int) -> str:
        levels = self.bids if side == "bids" else self.asks
        levels[price] = size
        if not size:
            del levels[price]
        return self._frame("update", *({price: size} if side == name else {} for name in ("bids", "asks")))

    def _frame(self, kind: str, bids: dict[int, int], asks: dict[int, int]) -> str:
        self.number += 1
        best = [*sorted(self.asks.items())[:10], *sorted(self.bids.items(), reverse=True)[:10]]
        checksum = crc32("".join(f"{price}{size}" for price, size in best).encode())
        sides = (",".join(f'{{"price":{price},"qty":{size}}}' for price, size in side.items()) for side in (bids, asks))
        data = f'"symbol":"{self.symbol}","bids":[{next(sides)}],"asks":[{next(sides)}],"checksum":{checksum}'
        time = f"2026-08-02T05:43:31.{self.number:06}Z"
        return f'{{"channel":"book","type":"{kind}","data":[{{{data},"timestamp":"{time}"}}]}}'


def rebuild(*arguments: object) -> Result:
    return CliRunner().invoke(cli.app, ["rebuild", *map(str, arguments)])


def records(result: Result) -> list[dict[str, object]]:
    return [msgspec.json.decode(line) for line in result.stdout.splitlines()]
