"""Market conditions that can be planted, at a moment that is known: what alerts are measured by."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from simulator.faults import Seconds
from simulator.generator.market import Market

Levels = Annotated[int, Meta(ge=2, le=50)]


class Plant(Struct, frozen=True, forbid_unknown_fields=True):
    """`imbalance`: the best levels of `side` are sixty times as large for `seconds`. `sweep`: the best
    `levels` of `side` are taken by one trade each.
    """

    symbol: str
    condition: Literal["imbalance", "sweep"]
    side: Literal["bid", "ask"] = "bid"
    seconds: Seconds = 3
    levels: Levels = 12

    def begin(self, market: Market) -> None:
        """Change the next step of a market."""
        sign = 1 if self.side == "bid" else -1
        if self.condition == "imbalance":
            market.leaning = sign
        else:
            market.planted_sweep = -sign * self.levels

    @property
    def lasts(self) -> bool:
        """True for a condition that ends after `seconds`."""
        return self.condition == "imbalance"
