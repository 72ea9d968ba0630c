"""A chain at an instant, as columns."""

from dataclasses import dataclass
from typing import NamedTuple

from market.options.black import Floats
from market.options.layout import Layout


class Columns(NamedTuple):
    """`Quote`, a column a field; shape (n + 1,), in the order of the layout and with a NaN at the end."""

    bid: Floats
    bid_size: Floats
    ask: Floats
    ask_size: Floats
    mark: Floats
    mark_iv: Floats
    open_interest: Floats
    volume: Floats
    underlying: Floats
    is_forward: Floats
    index_price: Floats
    rate: Floats


@dataclass(frozen=True)
class View:
    """The unexpired part of a chain at `time` (epoch ms). `quoted`: venue time of each row in ms, shape (n + 1,)."""

    underlying: str
    time: int
    layout: Layout
    quoted: Floats
    quotes: Columns
    index_price: float
