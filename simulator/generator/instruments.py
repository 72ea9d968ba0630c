"""Instruments of the market model: price and size grids, and numbers printed on them."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Grid:
    """Numbers that a venue prints: multiples of `step`, in units of the last of `decimals` digits."""

    step: int
    decimals: int

    def fixed(self, count: int) -> str:
        """`count` steps as fixed decimals, trailing zeros included."""
        if not self.decimals:
            return str(count * self.step)
        units = f"{count * self.step:0{self.decimals + 1}d}"
        return f"{units[: -self.decimals]}.{units[-self.decimals :]}"

    def shortest(self, count: int) -> str:
        """`count` steps as the shortest text of the double, with at least one decimal (`61800.5`, `9.0`)."""
        return repr(float(self.fixed(count)))

    def units(self, count: int) -> str:
        """`count` steps without point and leading zeros, the text of Kraken's checksum."""
        return str(count * self.step)

    def steps(self, value: float) -> int:
        """The number of steps nearest to `value`, at least one."""
        return max(1, round(value * 10.0**self.decimals / self.step))


class NumberTexts(dict[int, str]):
    """Number text by count of steps, cached: printing costs more than the rest of a frame. Cleared at `LIMIT`."""

    LIMIT = 1 << 18

    def __init__(self, print_steps: Callable[[int], str]) -> None:
        super().__init__()
        self._print_steps = print_steps

    def __missing__(self, count: int) -> str:
        if len(self) >= self.LIMIT:
            self.clear()
        text = self[count] = self._print_steps(count)
        return text


@dataclass(frozen=True)
class Instrument:
    """One symbol of one venue: price and size grids, opening price and median size of a level."""

    venue: str
    symbol: str
    price: Grid
    size: Grid
    opening: float
    median_size: float
