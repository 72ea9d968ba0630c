"""Runs the hot path of one venue after another. Each section ends with getppid, at which callgrind writes its counts.

Run by `bench/instructions.py`: `python -m bench.hot_path FILE`. It imports little, since a start under valgrind takes
seconds. `SECTIONS`: the parts of each venue, in their order; the first one is preparation.
"""

import gc
import os
import pickle
import sys
from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from bench.floor import DECODERS, encode
from market.orderbook.book import Book
from market.orderbook.book_config import BookConfig
from market.orderbook.book_side import BookSide
from market.orderbook.builder import BookBuilder
from market.orderbook.metrics import side_metrics
from market.orderbook.record_writer import RecordWriter
from venues.registry import open_builder

SECTIONS = (
    *("prepare", "floor", "interpreter", "decode_book", "BookSide.apply", "apply without publish", "side_metrics"),
    *("encode", "BookBuilder.apply", "RecordWriter.finish_batch", "BookBuilder.journal"),
)
APPLY = ("apply", "apply_actions", "apply_texts")
STEPS = 2_000
mark = os.getppid


class Frames(NamedTuple):
    """Values of one key. `first` are applied before the count; `records` are those of `values`."""

    key: str
    first: Sequence[bytes]
    values: Sequence[bytes]
    records: Sequence[Any]


def interpreter() -> None:
    """A fixed load of the kind of the hot path: the unit in which functions of Python are counted.

    Do not change it: interpreters differ by their build, and ratios to this load do not.
    """
    keys, sizes, touches = [float(price) for price in range(0, 400, 2)], [1.0] * 200, {}
    for step in range(STEPS):
        price = float(step * 7919 % 400)
        at = bisect_left(keys, price)
        if at < len(keys) and keys[at] == price:
            del keys[at], sizes[at]
        else:
            keys.insert(at, price)
            sizes.insert(at, price / 7)
        total = 0.0
        for size in sizes[-10:]:
            total += size
        touches[step % 10] = (price, total, max(keys[-1], price))


def count(frames: Frames) -> None:
    """Run all sections of one venue, each followed by a mark."""
    changes = _changes(frames)
    bare, builder = _open(frames), _open(frames)
    decode, decode_floor = builder._decode_book, DECODERS[frames.key.partition(":")[0]]
    gc.collect()
    mark()
    for value in frames.values:
        decode_floor(value)
    for record in frames.records:
        encode(record)
    mark()
    interpreter()
    mark()
    for value in frames.values:
        decode(value)
    mark()
    for apply, arguments in changes:
        apply(*arguments)
    mark()
    _apply(bare, frames.values, publishes=False)
    sides = _sides(bare)[:2]
    mark()
    for _ in frames.values:
        for side in sides:
            side_metrics(side, 10, 20)
    mark()
    for record in frames.records:
        encode(record)
    mark()
    _apply(builder, frames.values)
    mark()
    builder.apply_all(())
    mark()
    builder.journal()
    mark()


def _open(frames: Frames) -> BookBuilder:
    builder = open_builder(frames.key, BookConfig())
    assert isinstance(builder, BookBuilder)
    builder.apply_all(frames.first)
    builder.journal()
    return builder


def _sides(builder: BookBuilder) -> list[BookSide]:
    return [side for book in builder._book_sync.books for side in (book.bids, book.asks)]


def _apply(builder: BookBuilder, values: Sequence[bytes], publishes: bool = True) -> None:
    publish = RecordWriter.publish
    if not publishes:
        setattr(RecordWriter, "publish", _publish_nothing)  # noqa: B010
    for value in values:
        builder.apply(value)
    setattr(RecordWriter, "publish", publish)  # noqa: B010


def _publish_nothing(writer: RecordWriter, book: Book, *_: Any) -> None:
    writer.published = True


def _changes(frames: Frames) -> list[tuple[Callable[..., Any], tuple[Any, ...]]]:
    """The calls of `apply` on the sides of a book, bound to a book in the state before them."""
    builder, copy = _open(frames), _open(frames)
    copies = dict(zip(map(id, _sides(builder)), _sides(copy), strict=True))
    calls: list[tuple[BookSide, str, tuple[Any, ...]]] = []
    originals = {name: getattr(BookSide, name) for name in APPLY}

    def recorded(name: str) -> Callable[..., Any]:
        def apply(side: BookSide, *arguments: Any) -> Any:
            calls.append((copies[id(side)], name, arguments))
            return originals[name](side, *arguments)

        return apply

    for name in APPLY:
        setattr(BookSide, name, recorded(name))
    _apply(builder, frames.values)
    for name, original in originals.items():
        setattr(BookSide, name, original)
    return [(getattr(side, name), arguments) for side, name, arguments in calls]


def main(path: str) -> None:
    """Count all venues of a file of pickled `Frames`."""
    with open(path, "rb") as file:
        venues = pickle.load(file)
    gc.disable()
    for frames in venues:
        count(frames)


if __name__ == "__main__":
    main(sys.argv[1])
