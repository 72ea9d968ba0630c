"""What the generator may trade: price and size grids as each venue lists them."""

from collections.abc import Callable, Set
from dataclasses import dataclass


@dataclass(frozen=True)
class Grid:
    """Numbers that a venue may print: multiples of `step`, in units of the last of `decimals` digits."""

    step: int
    decimals: int

    def fixed(self, count: int) -> str:
        """`count` steps as fixed decimals, trailing zeros included."""
        if not self.decimals:
            return str(count * self.step)
        units = f"{count * self.step:0{self.decimals + 1}d}"
        return f"{units[: -self.decimals]}.{units[-self.decimals :]}"

    def shortest(self, count: int) -> str:
        """`count` steps with as few digits as tell the double, one decimal at least (`61800.5`, `9.0`)."""
        return repr(float(self.fixed(count)))

    def units(self, count: int) -> str:
        """`count` steps without point and leading zeros: what Kraken's checksum is made of."""
        return str(count * self.step)

    def steps(self, value: float) -> int:
        """The number of steps nearest to `value`, one at least."""
        return max(1, round(value * 10.0**self.decimals / self.step))


class Texts(dict[int, str]):
    """Number text by count of steps, made once: printing would cost more than all the rest. Starts anew when large."""

    LIMIT = 1 << 18

    def __init__(self, printed: Callable[[int], str]) -> None:
        super().__init__()
        self._printed = printed

    def __missing__(self, count: int) -> str:
        if len(self) >= self.LIMIT:
            self.clear()
        text = self[count] = self._printed(count)
        return text


@dataclass(frozen=True)
class Instrument:
    """One symbol at one venue: its grids, the price it opens at and the median size of a level."""

    venue: str
    symbol: str
    price: Grid
    size: Grid
    opening: float
    median_size: float


# (price step, price decimals), (size step, size decimals), opening price, median size of a level. Binance prints
# eight decimals on spot whatever the tick; Deribit's sizes are USD on its perpetuals.
_LISTED: dict[str, dict[str, tuple[tuple[int, int], tuple[int, int], float, float]]] = {
    "binance": {
        "BTCUSDT": ((1_000_000, 8), (1_000, 8), 61_800.0, 0.05),
        "ETHUSDT": ((1_000_000, 8), (10_000, 8), 2_683.8, 1.2),
        "NKNUSDT": ((10_000, 8), (100_000_000, 8), 0.3521, 3_000.0),
    },
    "binance_usdm": {
        "BTCUSDT": ((10, 2), (1, 3), 61_800.2, 0.2),
        "ETHUSDT": ((1, 2), (1, 3), 2_683.8, 4.0),
        "SUSHIUSDT": ((10, 4), (1, 0), 7.611, 600.0),
    },
    "kraken": {
        "BTC/USD": ((1, 1), (1, 8), 63_348.4, 0.08),
        "ETH/USD": ((1, 2), (1, 8), 1_873.4, 1.1),
        "SOL/USD": ((1, 2), (1, 8), 146.3, 20.0),
    },
    "deribit": {
        "BTC-PERPETUAL": ((5, 1), (100, 1), 61_800.0, 4_000.0),
        "ETH-PERPETUAL": ((5, 2), (10, 1), 2_683.8, 2_000.0),
    },
}
_DEFAULT = {
    "binance": ((10_000, 8), (1_000_000, 8), 25.0, 40.0),
    "binance_usdm": ((10, 4), (1, 1), 25.0, 40.0),
    "kraken": ((1, 4), (1, 8), 25.0, 40.0),
    "deribit": ((5, 1), (100, 1), 5_000.0, 4_000.0),
}
VENUES = tuple(_LISTED)


def instrument(venue: str, symbol: str) -> Instrument:
    """The instrument as listed, or, for a symbol that is not, on the venue's usual grids. KeyError: unknown venue."""
    price, size, opening, median = _LISTED[venue].get(symbol, _DEFAULT[venue])
    return Instrument(venue, symbol, Grid(*price), Grid(*size), opening, median)


def default_symbols(venue: str) -> tuple[str, ...]:
    """Two symbols that every demonstration shows. KeyError: unknown venue."""
    return tuple(_LISTED[venue])[:2]


def choose(venues: Set[str], symbols: Set[str]) -> tuple[Instrument, ...]:
    """Instruments for what a user asked for; no venues: all, no symbols: the two of each venue.

    One venue lists any symbol, several just those they are known for. ValueError names what nobody lists.
    """
    if unknown := venues - set(VENUES):
        raise ValueError(f"unknown venue {', '.join(sorted(unknown))}: expected some of {', '.join(VENUES)}")
    if len(venues) == 1 and symbols:
        (venue,) = venues
        return tuple(instrument(venue, symbol) for symbol in sorted(symbols))
    chosen = tuple(
        instrument(venue, symbol)
        for venue in VENUES
        if venue in venues or not venues
        for symbol in _LISTED[venue]
        if symbol in (symbols or default_symbols(venue))
    )
    if unlisted := symbols - {each.symbol for each in chosen}:
        raise ValueError(f"no venue is known for {', '.join(sorted(unlisted))}: say which one with --venue")
    return chosen
