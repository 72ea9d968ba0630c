"""Deribit's subscription notifications: book snapshots, changes that chain by change id, trades."""

from collections.abc import Iterator
from random import Random

from simulator.generator.instruments import NumberTexts
from simulator.generator.market import Fill, Market, MarketStep
from simulator.generator.side import Change, ModelSide


class DeribitEncoder:
    """Book `snapshot` and `change` frames with `new`, `change` and `delete` rows; all trades of a step in one frame."""

    in_band = True

    def __init__(self, market: Market, first_id: int, interval: str = "100ms") -> None:
        self.book_channel = self.snapshot_channel = f"book.{interval}"
        self.trade_channel = f"trades.{interval}"
        self._interval = interval
        self._market = market
        self._price, self._size = (
            NumberTexts(market.instrument.price.shortest),
            NumberTexts(market.instrument.size.shortest),
        )
        self._name = market.instrument.symbol
        self._change_id = first_id
        self._trade_seq = first_id // 1000
        self._random = Random(first_id)

    @property
    def update_id(self) -> int:
        """The latest `change_id`."""
        return self._change_id

    def reset_ids(self, first_id: int) -> None:
        """Continue with ids from `first_id` on."""
        self._change_id = first_id
        self._trade_seq = first_id // 1000

    def snapshot(self, time_us: int) -> bytes:
        bids, asks = self._levels(self._market.bids), self._levels(self._market.asks)
        return self._book(
            f'"type":"snapshot","timestamp":{time_us // 1000},"instrument_name":"{self._name}",'
            f'"change_id":{self._change_id},"bids":[{bids}],"asks":[{asks}]'
        )

    def delta(self, step: MarketStep, time_us: int) -> bytes | None:
        if not step.bids and not step.asks:
            return None
        previous = self._change_id
        self._change_id += 1 + self._random.getrandbits(6)
        return self._book(
            f'"type":"change","timestamp":{time_us // 1000},"prev_change_id":{previous},'
            f'"instrument_name":"{self._name}","change_id":{self._change_id},'
            f'"bids":[{self._changes(step.bids)}],"asks":[{self._changes(step.asks)}]'
        )

    def trades(self, step: MarketStep, time_us: int) -> Iterator[bytes]:
        if step.fills:
            rows = ",".join(self._trade(fill, time_us // 1000) for fill in step.fills)
            yield _notification(f"trades.{self._name}.{self._interval}", f"[{rows}]")

    def _book(self, fields: str) -> bytes:
        return _notification(f"book.{self._name}.{self._interval}", f"{{{fields}}}")

    def _trade(self, fill: Fill, time_ms: int) -> str:
        self._trade_seq += 1
        price = self._price[fill.tick]
        return (
            f'{{"trade_seq":{self._trade_seq},"trade_id":"{self._trade_seq}","timestamp":{time_ms},'
            f'"tick_direction":{0 if fill.buyer else 2},"price":{price},"mark_price":{price},'
            f'"instrument_name":"{self._name}","index_price":{price},'
            f'"direction":"{"buy" if fill.buyer else "sell"}","amount":{self._size[fill.lots]}}}'
        )

    def _levels(self, side: ModelSide) -> str:
        return ",".join([f'["new",{self._price[tick]},{self._size[lots]}]' for tick, lots in side.top(len(side))])

    def _changes(self, changes: list[Change]) -> str:
        price, size = self._price, self._size
        return ",".join(
            [
                f'["{"delete" if not after else "change" if before else "new"}",{price[tick]},{size[after]}]'
                for tick, before, after in changes
            ]
        )


def _notification(channel: str, data: str) -> bytes:
    return (f'{{"jsonrpc":"2.0","method":"subscription","params":{{"channel":"{channel}","data":{data}}}}}').encode()
