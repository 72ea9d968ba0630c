"""What every venue's encoder offers: the model's steps as the frames that the exchange would send."""

from collections.abc import Iterable
from typing import Protocol

from ingestion.generator.market import Market, Step


class Encoder(Protocol):
    """Frames of one symbol, for every subscriber of it. State: the venue's ids, moved on by each `delta` and `trades`.

    `in_band`: a snapshot answers a subscription on the same connection; else it is the body of a REST answer.
    """

    book_channel: str
    snapshot_channel: str
    trade_channel: str
    in_band: bool

    def snapshot(self, time_us: int) -> bytes:
        """The whole book as it stands after the last step."""

    def delta(self, step: Step, time_us: int) -> bytes | None:
        """The step's net changes; None when the venue would send nothing."""

    def trades(self, step: Step, time_us: int) -> Iterable[bytes]:
        """The step's trades, in as many frames as the venue uses."""


class EncoderType(Protocol):
    """How an encoder is made: ids start at `first_id`, so that a later run can be given higher ones."""

    def __call__(self, market: Market, first_id: int) -> Encoder: ...
