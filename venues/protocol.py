"""Protocol of a venue as data: requests, meanings of replies, limits. No sockets."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias


class Stream(NamedTuple):
    """One subscription: channel as in the envelope (`depth@100ms`, `book.25`), and symbol."""

    channel: str
    symbol: str


class Accepted(NamedTuple):
    """A request was accepted: for `streams`, or for all its streams where the venue names none (None).

    `last`: no further acknowledgement of this request follows, so the streams that were never named were refused.
    """

    request: int | None
    streams: frozenset[Stream] | None = None
    last: bool = True


class Refused(NamedTuple):
    """A request was refused: for `streams`, or as a whole (None). `fatal`: the same request would be refused again."""

    request: int | None
    reason: str
    streams: frozenset[Stream] | None = None
    fatal: bool = True


class Pong(NamedTuple):
    """The venue sent a ping of its protocol: `text` must be sent in reply at once."""

    text: str


class ClosingNotice(NamedTuple):
    """The venue will close the connection soon."""

    reason: str


Reply: TypeAlias = Accepted | Refused | Pong | ClosingNotice


class Endpoint(NamedTuple):
    """Base addresses, without the paths of `VenueProtocol`."""

    ws: str
    rest: str


@dataclass(frozen=True)
class Limits:
    """Limits of one connection.

    `batch`: streams in one request. `silence_s`: time without any message after which the connection is dead.
    `lifetime_s`: age at which the venue closes it, None if it does not. `keepalive_s`: interval of keep-alive requests.
    `book_silence_s`: time without a frame of one book, on a connection that is alive, after which the book is
    subscribed again. Venues send books when they change, so it exceeds the pauses of ordinary symbols.
    """

    streams: int
    messages_per_s: float
    batch: int
    silence_s: float
    lifetime_s: float | None = None
    keepalive_s: float | None = None
    book_silence_s: float = 60.0


class VenueInfo(NamedTuple):
    """The symbols a venue lists, and the REST weight that one address may use per minute; None: not stated."""

    symbols: frozenset[str]
    weight_per_minute: int | None


@dataclass(frozen=True)
class RestSnapshots:
    """Book snapshots by REST: paths, and the weight of each by the largest `limit` that it covers."""

    path: str
    info_path: str  # lists the symbols and the weight budget
    weights: Mapping[int, int]
    weight_per_minute: int  # used until `info_path` states the venue's own
    parse_info: Callable[[bytes], VenueInfo]  # raises msgspec's errors
    used_weight_header: str  # response header: weight used by this address in the current minute
    exact_limits: bool = False  # true: only the limits in `weights` are accepted; false: any up to the largest

    def weight(self, levels: int) -> int:
        """Weight of a snapshot of `levels` per side; a number above the largest limit weighs as that limit."""
        return next(
            (weight for most, weight in sorted(self.weights.items()) if levels <= most), max(self.weights.values())
        )

    def offers(self, levels: int) -> bool:
        """True if the venue accepts this number of levels per side."""
        return levels in self.weights if self.exact_limits else 1 <= levels <= max(self.weights)

    @property
    def choices(self) -> str:
        """The numbers of levels that the venue accepts, as text."""
        sizes = sorted(self.weights)
        if not self.exact_limits:
            return f"1 to {sizes[-1]} levels"
        return f"{', '.join(map(str, sizes[:-1]))} or {sizes[-1]} levels"


@dataclass(frozen=True)
class ChainListing:
    """List of a chain's options by REST."""

    path: str
    query: Callable[[str], dict[str, str]]  # query parameters for a chain
    channel: str  # channel of the reply's envelope
    spacing_s: float  # pause between two requests
    streams: Callable[[bytes, str, str, int], dict[Stream, int]]
    """Streams of a chain and the time each ends (epoch ms), from the reply, the chain, the options' channel and the
    current time (epoch ms). Raises msgspec's errors."""


@dataclass(frozen=True)
class VenueProtocol:
    """Protocol of one venue. Its functions are pure: they make requests and read replies, and send nothing."""

    venue: str
    live: Endpoint
    test: Endpoint | None
    limits: Limits
    channels: tuple[str, ...]  # subscribed for a symbol by default
    path: Callable[[str], str]  # path of the WebSocket that serves a channel
    subscribe: Callable[[Sequence[Stream], int], str]
    unsubscribe: Callable[[Sequence[Stream], int], str]
    parse_reply: Callable[[bytes], Reply | None]  # meaning of a frame that is not forwarded; None: none
    opening_request: Callable[[int], str | None] = lambda request: None  # sent first on every connection
    keepalive: Callable[[int], str | None] = lambda request: None  # sent every `keepalive_s`
    snapshots: RestSnapshots | None = None  # None: the snapshot comes in the stream after a subscription
    has_channel: Callable[[str], bool] = lambda channel: True  # True for a channel of the venue
    option_channels: tuple[str, ...] = ()  # channels of an option, the default first; empty: no chains
    chain_listing: ChainListing | None = None  # None: no chains
    fatal_close_codes: frozenset[int] = frozenset()  # the client must not reconnect unchanged


def channel_name(channel: str) -> str:
    """Name of a channel without its parameters: `depth` of `depth@100ms`, `book` of `book.25`."""
    return channel.partition("@")[0].partition(".")[0]


TRANSIENT_WORDS = ("rate limit", "busy", "unavailable", "internal", "throttle", "too many requests")


def is_transient(reason: str) -> bool:
    """True for the text of a refusal that is due to the moment and not to the request. For venues without codes."""
    return any(word in reason.lower() for word in TRANSIENT_WORDS)


def batches(streams: Sequence[Stream], size: int) -> Iterator[Sequence[Stream]]:
    """Lists of streams that fit one request. Each has one channel, since a request to Kraken names just one."""
    by_channel: dict[str, list[Stream]] = {}
    for stream in streams:
        by_channel.setdefault(stream.channel, []).append(stream)
    for group in by_channel.values():
        for start in range(0, len(group), size):
            yield group[start : start + size]
