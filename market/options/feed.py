"""Functions that read one exchange's option messages. A venue provides them; option chains know no exchange."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from core.envelope import InvalidRecord
from market.options.events import Event, Instrument


@dataclass(frozen=True)
class OptionFeed:
    """One exchange's option messages and names.

    `parse` yields the events of one frame. An unusable row is yielded as a `RefusedRow` with the name of its
    instrument, which flags the records of its expiry, and the rows after it are read; an unusable frame is yielded as
    an `InvalidRecord`. With an underlying, rows of other chains are skipped.
    `parse_name` returns the option that a name describes; None for a name of any other instrument.
    `underlying` gives the chain of an instrument, index or currency name.
    `index_names` lists the names of an underlying's index in lower case.
    """

    parse: Callable[[bytes, str | None], Iterator[Event | InvalidRecord]]
    parse_name: Callable[[str], Instrument | None]
    underlying: Callable[[str], str]
    index_names: Callable[[str], tuple[str, ...]]
