"""Market conditions that can be planted at a known moment, to measure the latency of alerts."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from simulator.faults import Seconds
from simulator.generator.market import Market

Condition = Literal["imbalance", "sweep", "spread", "wall", "pull"]
Levels = Annotated[int, Meta(ge=2, le=50)]


class Plant(Struct, frozen=True, forbid_unknown_fields=True):
    """`imbalance`: the best levels of `side` are sixty times as large for `seconds`. `sweep`: the best `levels` of
    `side` are taken by one trade each. `spread`: the best `levels` of both sides are away for `seconds`. `wall`: a
    level behind the best one of `side` is several times as large as all others together, until `pull` takes it away.
    """

    symbol: str
    condition: Condition
    side: Literal["bid", "ask"] = "bid"
    seconds: Seconds = 3
    levels: Levels = 12

    def begin(self, market: Market) -> None:
        """Change the next step of a market."""
        sign = 1 if self.side == "bid" else -1
        if self.condition == "imbalance":
            market.leaning = sign
        elif self.condition == "sweep":
            market.planted_sweep = -sign * self.levels
        elif self.condition == "spread":
            market.widen(self.levels)
        elif self.condition == "wall":
            market.build_wall(sign)
        else:
            market.pull_wall()

    def end(self, market: Market) -> None:
        """End a condition that lasts, with the next step."""
        if self.condition == "imbalance":
            market.stop_leaning()
        else:
            market.wide = False

    @property
    def lasts(self) -> bool:
        """True for a condition that ends after `seconds`."""
        return self.condition in ("imbalance", "spread")
