"""What a venue's dialect is made of, and what one of its replies may mean."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias


class Stream(NamedTuple):
    """One subscription: the channel as the envelope names it (`depth@100ms`, `book.25`), and its subject."""

    channel: str
    symbol: str


class Accepted(NamedTuple):
    """A request was granted: `streams` of it, or all where the venue does not say which (None).

    `last`: no further acknowledgement of this request follows, so what it does not name was refused.
    """

    request: int | None
    streams: frozenset[Stream] | None = None
    last: bool = True


class Refused(NamedTuple):
    """A request was refused: for `streams`, or as a whole (None). `fatal`: asking again would end the same way."""

    request: int | None
    reason: str
    streams: frozenset[Stream] | None = None
    fatal: bool = True


class Answer(NamedTuple):
    """The venue wants an answer at once."""

    text: str


class Leaving(NamedTuple):
    """The venue is about to close the connection."""

    reason: str


Reply: TypeAlias = Accepted | Refused | Answer | Leaving


class Endpoint(NamedTuple):
    """Base addresses; the paths of `Dialect` go behind them."""

    ws: str
    rest: str


@dataclass(frozen=True)
class Limits:
    """What the venue allows on one connection, and what it is known to do with one.

    `silence_s` is without any message at all; `lifetime_s` is None where the venue closes none for its age.
    `batch` is how many streams one request names.
    """

    streams: int
    messages_per_s: float
    batch: int
    silence_s: float
    lifetime_s: float | None = None
    keepalive_s: float | None = None


@dataclass(frozen=True)
class RestDepth:
    """REST snapshots: where, and what each weighs by the largest `limit` its price covers."""

    path: str
    info_path: str  # tells the symbols there are and the budget of weight
    weights: Mapping[int, int]
    weight_per_minute: int  # until the venue told its own

    def weight(self, levels: int) -> int:
        """What a snapshot of so many levels a side costs. A number that is not on offer costs as the deepest."""
        return next(
            (weight for most, weight in sorted(self.weights.items()) if levels <= most), max(self.weights.values())
        )


@dataclass(frozen=True)
class Dialect:
    """A venue as data. The functions are pure: requests are made, replies are read, nothing is sent."""

    venue: str
    live: Endpoint
    test: Endpoint | None
    limits: Limits
    channels: tuple[str, ...]  # of a symbol, unless the user names others
    path: Callable[[str], str]  # of a channel's WebSocket
    subscribe: Callable[[Sequence[Stream], int], str]
    unsubscribe: Callable[[Sequence[Stream], int], str]
    hear: Callable[[bytes], Reply | None]  # meaning of a frame that is not forwarded; None: none
    greeting: Callable[[int], str | None] = lambda request: None  # said first on every connection
    keepalive: Callable[[int], str | None] = lambda request: None  # said every `keepalive_s`
    depth: RestDepth | None = None  # None: the snapshot comes in the stream, upon a new subscription
    channel_check: Callable[[str], bool] = lambda channel: True  # whether the venue has such a channel
    option_channels: tuple[str, ...] = ()  # of an option in a chain, the usual one first; none: no chains
    final_closes: frozenset[int] = frozenset()  # close codes that mean: do not come back like this


PASSING = ("rate limit", "busy", "unavailable", "internal", "throttle", "too many requests")


def passes(reason: str) -> bool:
    """Whether a refusal in words, without a code that tells, speaks of now and not of what was asked."""
    return any(word in reason.lower() for word in PASSING)


def batches(streams: Sequence[Stream], size: int) -> Iterator[Sequence[Stream]]:
    """Streams cut into lists that fit one request. Those of different channels never share one: Kraken's cannot."""
    by_channel: dict[str, list[Stream]] = {}
    for stream in streams:
        by_channel.setdefault(stream.channel, []).append(stream)
    for group in by_channel.values():
        for start in range(0, len(group), size):
            yield group[start : start + size]
