"""Binance's frames, spot and USD-M: combined-stream events and the REST depth body."""

from collections.abc import Iterable, Iterator
from random import Random

from simulator.generator.instruments import NumberTexts
from simulator.generator.market import Fill, Market, MarketStep
from simulator.generator.side import Change

SEND_DELAY_MS = 2  # from matching (T) to sending (E)
FILLERS = ("NA", "INSURANCE_FUND", "ADL")  # `X` of USD-M's `trade` frames that are no trades; `MARKET` is one


class BinanceEncoder:
    """Spot: every level change takes one update id, so each event's `U` is the last `u` + 1."""

    book_channel = "depth@100ms"
    snapshot_channel = "snapshot"
    trade_channel = "aggTrade"
    in_band = False
    _ticker_head = ""

    def __init__(self, market: Market, first_id: int) -> None:
        self._market = market
        self._price, self._size = NumberTexts(market.instrument.price.fixed), NumberTexts(market.instrument.size.fixed)
        self._symbol = market.instrument.symbol
        self._last_id = first_id
        self._agg_id = self._trade_id = first_id // 1000
        self._random = Random(first_id)

    @property
    def update_id(self) -> int:
        """The `u` of the latest event."""
        return self._last_id

    def reset_ids(self, first_id: int) -> None:
        """Continue with ids from `first_id` on."""
        self._last_id = first_id
        self._agg_id = self._trade_id = first_id // 1000

    def snapshot(self, time_us: int, limit: int | None = None) -> bytes:
        """The REST body with the best `limit` levels of each side; all levels without a limit."""
        bids, asks = (self._levels(side.top(limit or len(side))) for side in (self._market.bids, self._market.asks))
        head = f'"lastUpdateId":{self._last_id},{self._snapshot_times(time_us)}'
        return f'{{{head}"bids":[{bids}],"asks":[{asks}]}}'.encode()

    def delta(self, step: MarketStep, time_us: int) -> bytes | None:
        if not step.bids and not step.asks:
            return None
        ids = self._ids(len(step.bids) + len(step.asks))
        bids, asks = self._changes(step.bids), self._changes(step.asks)
        return self._event(self.book_channel, "depthUpdate", time_us, f'{ids},"b":[{bids}],"a":[{asks}]')

    def trades(self, step: MarketStep, time_us: int) -> Iterator[bytes]:
        for fill in step.fills:
            yield self._event(self.trade_channel, "aggTrade", time_us, self._trade(fill, time_us // 1000))

    def ticker(self, time_us: int) -> bytes:
        """The `bookTicker` event: best price and size of both sides, with the last update id."""
        (bid, bid_lots), (ask, ask_lots) = self._market.bids.top(1)[0], self._market.asks.top(1)[0]
        return (
            f'{{"stream":"{self._symbol.lower()}@bookTicker","data":{{{self._ticker_head}"u":{self._last_id},'
            f'"s":"{self._symbol}","b":"{self._price[bid]}","B":"{self._size[bid_lots]}","a":"{self._price[ask]}",'
            f'"A":"{self._size[ask_lots]}"{self._ticker_times(time_us)}}}}}'
        ).encode()

    def _event(self, channel: str, event: str, time_us: int, fields: str) -> bytes:
        return (
            f'{{"stream":"{self._symbol.lower()}@{channel}","data":{{"e":"{event}",'
            f'"E":{time_us // 1000 + SEND_DELAY_MS},"s":"{self._symbol}",{fields}}}}}'
        ).encode()

    def _ids(self, changes: int) -> str:
        first = self._last_id + 1
        self._last_id += changes
        return f'"U":{first},"u":{self._last_id}'

    def _snapshot_times(self, time_us: int) -> str:
        return ""

    def _ticker_times(self, time_us: int) -> str:
        return ""

    def _trade(self, fill: Fill, time_ms: int) -> str:
        first = self._trade_id + 1
        self._agg_id += 1
        self._trade_id += 1 + self._random.getrandbits(1)
        return (
            f'"a":{self._agg_id},"p":"{self._price[fill.tick]}","q":"{self._size[fill.lots]}","f":{first},'
            f'"l":{self._trade_id},"T":{time_ms},"m":{_json_bool(not fill.buyer)},"M":true'
        )

    def _changes(self, changes: list[Change]) -> str:
        price, size = self._price, self._size
        return ",".join([f'["{price[tick]}","{size[lots]}"]' for tick, _, lots in changes])

    def _levels(self, levels: Iterable[tuple[int, int]]) -> str:
        price, size = self._price, self._size
        return ",".join([f'["{price[tick]}","{size[lots]}"]' for tick, lots in levels])


class BinanceUsdmEncoder(BinanceEncoder):
    """USD-M: all symbols share the ids, so ids jump; events chain by `pu` and carry the matching time `T`."""

    _ticker_head = '"e":"bookTicker",'

    def _event(self, channel: str, event: str, time_us: int, fields: str) -> bytes:
        if event == "depthUpdate":
            fields = f'"T":{time_us // 1000},{fields}'
        return super()._event(channel, event, time_us, fields.removesuffix(',"M":true'))

    def fillers(self, count: int, time_us: int) -> Iterator[bytes]:
        """Frames of `trade` that are no trades: zero prices and sizes, or fills off the book."""
        best = self._price[self._market.bids.best()]
        for number in range(count):
            mark = FILLERS[number % len(FILLERS)]
            self._trade_id += 1
            price, size = ("0", "0") if mark == "NA" else (best, self._size[1])
            yield self._event(
                "trade",
                "trade",
                time_us,
                f'"T":{time_us // 1000},"t":{self._trade_id},"p":"{price}","q":"{size}","X":"{mark}","m":true',
            )

    def _ids(self, changes: int) -> str:
        previous = self._last_id
        first = previous + 1 + self._random.getrandbits(9)
        self._last_id = first + changes - 1 + self._random.getrandbits(9)
        return f'"U":{first},"u":{self._last_id},"pu":{previous}'

    def _snapshot_times(self, time_us: int) -> str:
        return f'"E":{time_us // 1000 + SEND_DELAY_MS},"T":{time_us // 1000},'

    def _ticker_times(self, time_us: int) -> str:
        return f',"T":{time_us // 1000},"E":{time_us // 1000 + SEND_DELAY_MS}'


def _json_bool(flag: bool) -> str:
    return "true" if flag else "false"
