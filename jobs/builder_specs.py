"""The two kinds of builders that jobs run: opening one, output of its batches, behaviour when a key falls idle."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any, Protocol

from core import topics
from core.topics import DAY_MS, Topic
from jobs.output_lines import OutputLines, book_lines, chain_lines, status_lines
from market.journal_entries import Append, Replace
from market.options.chain_batch import ChainConfig
from market.orderbook.book_batch import Batch
from market.orderbook.book_config import BookConfig
from market.orderbook.builder import BookBuilder
from market.orderbook.quiet_clock import QuietClocks
from market.reject_all import RejectAll
from venues.registry import open_builder, open_chain_builder

SECOND_MS = 1000
TICK_POLL_MS = 500


class Builder(Protocol):
    """State of one key: a BookBuilder, a ChainBuilder, or RejectAll for an unknown key.

    `memory_bytes`: estimated size in memory, at a cost that does not grow with the size. `state`: `in sync` or another.
    """

    @property
    def memory_bytes(self) -> int: ...
    @property
    def state(self) -> str: ...
    def apply_all(self, values: Sequence[bytes | None]) -> Any: ...
    def mark_stale(self, now_ms: int) -> Any: ...
    def journal(self) -> Append | Replace | None: ...


def _no_output(builder: Any, now_ms: int) -> OutputLines:
    return ()


@dataclass(frozen=True)
class IdleTimeout:
    """Output of a builder, once, after `after_ms` without a record; with `forget`, its state is deleted afterwards."""

    after_ms: int
    on_idle: Callable[[Any, int], OutputLines] = _no_output
    forget: bool = False


@dataclass(frozen=True)
class Polling:
    """Output of a builder at times of a grid of `every_ms` while it `needs_timer`, and after each batch.

    The clocks are those of the key. `due_in_ms`: time until the next poll that has output if no record comes, so that a
    quiet key has no timer in between.
    """

    every_ms: int
    needs_timer: Callable[[Any], bool]
    poll: Callable[[Any, int, QuietClocks], OutputLines]
    due_in_ms: Callable[[Any, QuietClocks], int]
    poll_batch: Callable[[Any, int, QuietClocks], OutputLines]


@dataclass(frozen=True)
class BuilderSpec:
    """One kind of builder. `open` takes a key and the entries of its journal; `idle_timeouts` are ordered by length.

    `max_batch`: number of records that are applied before their output is emitted. It bounds the memory of a batch.
    `progress`: a number that changes when a record has an effect that keeps the key alive; None: every record does.
    `polling`: output that builders have at a timer's time, as long as they wait for one; None without.
    """

    name: str
    open: Callable[[str, Iterable[bytes]], Builder]
    lines: Callable[[Any], OutputLines]
    idle_timeouts: tuple[IdleTimeout, ...]
    max_batch: int
    input_topics: tuple[Topic, ...]
    output_topics: tuple[Topic, ...]
    progress: Callable[[Any], int | None] = lambda builder: None
    polling: Polling | None = None


def books(config: BookConfig, stale_after_ms: int) -> BuilderSpec:
    """Books. An idle book keeps its state, since later frames may still follow from it.

    Books and trades come from two topics, which the job reads in any order.
    """
    config = replace(config, trades_in_order=False)
    return BuilderSpec(
        name="book",
        open=lambda key, entries: open_builder(key, config, entries),
        lines=book_lines,
        idle_timeouts=(IdleTimeout(stale_after_ms, _mark_book_stale),),
        polling=Polling(TICK_POLL_MS, attrgetter("needs_timer"), _poll_book, BookBuilder.due_in_ms, _poll_batch),
        max_batch=10_000,
        input_topics=(topics.RAW_BOOKS, topics.RAW_TRADES),
        output_topics=(
            *(topics.PROCESSED, topics.BOOKS, topics.STATUS),
            *(topics.RESYNC, topics.TRADES, topics.TICKS, topics.WINDOWS, topics.TRADE_BARS, topics.DEAD_LETTERS),
        ),
        progress=lambda builder: builder.applied_us,
    )


def chains(config: ChainConfig, stale_after_ms: int) -> BuilderSpec:
    """Option chains. The last second closes after one second without a record.

    `stale_after_ms` overrides the configuration's. The timeout reports a chain without records; the builder reports a
    chain that has records but no quotes.

    The state of an active chain holds options that are listed, quoted and not expired. A chain without a record for a
    day (all of it expired, or its forwarder is gone) is deleted; a restart of the job restarts that day.
    """
    config = replace(config, stale_after_ms=stale_after_ms)
    return BuilderSpec(
        name="chain",
        open=lambda key, entries: open_chain_builder(key, config, entries),
        lines=chain_lines,
        idle_timeouts=(
            IdleTimeout(SECOND_MS, _flush),
            IdleTimeout(stale_after_ms, _mark_stale),
            IdleTimeout(DAY_MS, forget=True),
        ),
        max_batch=64,  # each record may close a second: almost 1 MB of output for a chain of a thousand options
        input_topics=(topics.RAW_OPTIONS,),
        output_topics=(
            *(topics.OPTION_CHAINS, topics.OPTION_SURFACES, topics.UNDERLYING_TICKS),
            *(topics.STATUS, topics.DEAD_LETTERS),
        ),
    )


def _poll_book(builder: BookBuilder, now_ms: int, clocks: QuietClocks) -> OutputLines:
    return book_lines(builder.poll(now_ms, clocks))


def _poll_batch(builder: BookBuilder, now_ms: int, clocks: QuietClocks) -> OutputLines:
    batch = builder.poll_batch(now_ms, clocks)
    return () if batch is None else book_lines(batch)


def _mark_book_stale(builder: BookBuilder | RejectAll[Batch], now_ms: int) -> OutputLines:
    return book_lines(builder.mark_stale(now_ms) or Batch())


def _mark_stale(builder: Any, now_ms: int) -> OutputLines:
    return status_lines(builder.mark_stale(now_ms))


def _flush(builder: Any, now_ms: int) -> OutputLines:
    return chain_lines(builder.flush())
