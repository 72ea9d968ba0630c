"""The two kinds of keepers that jobs run: how one is opened, what its batches say, what silence makes it say."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from jobs.outputs import Said, book_lines, chain_lines, status_lines
from market import topics
from market.config import KeeperConfig
from market.journal import Append, Replace
from market.keeper import open_keeper
from market.options.batch import ChainConfig
from market.options.keeper import open_chain_keeper
from market.topics import DAY_MS, Topic

SECOND_MS = 1000


class Kept(Protocol):
    """A keeper, or what stands for one where the key is unknown."""

    def apply_all(self, values: Sequence[bytes | None]) -> Any: ...
    def stale(self, now_ms: int) -> bytes | None: ...
    def journal(self) -> Append | Replace | None: ...


def _nothing(keeper: Any, now_ms: int) -> Said:
    return ()


@dataclass(frozen=True)
class Silence:
    """What a keeper says, once, after `after_ms` without a record; with `forget`, its state goes afterwards."""

    after_ms: int
    say: Callable[[Any, int], Said] = _nothing
    forget: bool = False


@dataclass(frozen=True)
class Keeping:
    """One kind of keeper. `open` takes a key and the entries of its journal; `silences` are ordered by length.

    `at_once`: records that are applied before what they say leaves, so that a long batch does not fill the memory.
    """

    name: str
    open: Callable[[str, Iterable[bytes]], Kept]
    lines: Callable[[Any], Said]
    silences: tuple[Silence, ...]
    at_once: int
    reads: tuple[Topic, ...]
    writes: tuple[Topic, ...]


def books(config: KeeperConfig, stale_after_ms: int) -> Keeping:
    """Books. One that is not heard any more keeps its state: what comes next may still chain to it."""
    return Keeping(
        name="book",
        open=lambda key, entries: open_keeper(key, config, entries),
        lines=book_lines,
        silences=(Silence(stale_after_ms, _stale),),
        at_once=10_000,
        reads=(topics.RAW_BOOKS, topics.RAW_TRADES),
        writes=(
            *(topics.PROCESSED, topics.BOOKS, topics.STATUS),
            *(topics.RESYNC, topics.TRADES, topics.DEAD_LETTERS),
        ),
    )


def chains(config: ChainConfig, stale_after_ms: int) -> Keeping:
    """Option chains. The last second closes after one of silence.

    Of a chain that lives, state holds what is listed, quoted and not expired. One that nobody speaks of for a day,
    because all of it expired or its forwarder is gone, is forgotten; a restart of the job begins that day anew.
    """
    return Keeping(
        name="chain",
        open=lambda key, entries: open_chain_keeper(key, config, entries),
        lines=chain_lines,
        silences=(Silence(SECOND_MS, _flush), Silence(stale_after_ms, _stale), Silence(DAY_MS, forget=True)),
        at_once=64,  # each may close a second, which is most of a megabyte for a chain of a thousand options
        reads=(topics.RAW_OPTIONS,),
        writes=(
            *(topics.OPTION_CHAINS, topics.OPTION_SURFACES, topics.UNDERLYING_TICKS),
            *(topics.STATUS, topics.DEAD_LETTERS),
        ),
    )


def _stale(keeper: Kept, now_ms: int) -> Said:
    return status_lines(keeper.stale(now_ms))


def _flush(keeper: Any, now_ms: int) -> Said:
    return chain_lines(keeper.flush())
