"""Interface of an exchange's encoder: the model's steps as the frames that the exchange would send."""

from collections.abc import Iterable
from typing import Protocol

from simulator.generator.market import Market, MarketStep


class Encoder(Protocol):
    """Frames of one symbol, the same for every subscriber. State: the venue's ids, advanced by `delta` and `trades`.

    `in_band`: a snapshot follows a subscription on the same connection; otherwise it is the body of a REST response.
    """

    book_channel: str
    snapshot_channel: str
    trade_channel: str
    in_band: bool

    def snapshot(self, time_us: int) -> bytes:
        """The complete book after the last step; `time_us` in epoch µs."""

    def delta(self, step: MarketStep, time_us: int) -> bytes | None:
        """The step's net changes; None if the exchange would send nothing."""

    def trades(self, step: MarketStep, time_us: int) -> Iterable[bytes]:
        """The step's trades, in as many frames as the exchange uses."""


class EncoderType(Protocol):
    """Makes an encoder. Ids start at `first_id`, so a later run can have higher ids."""

    def __call__(self, market: Market, first_id: int) -> Encoder: ...
