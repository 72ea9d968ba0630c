"""Faults on command: what may be asked for. As JSON, `fault` names the kind: `{"fault": "gap", "count": 2}`."""

from typing import Annotated, ClassVar, TypeAlias

from msgspec import Meta, Struct

from ingestion.simulator.listing import Kind

Count: TypeAlias = Annotated[int, Meta(ge=1, le=100_000)]
Seconds: TypeAlias = Annotated[float, Meta(ge=0, le=86_400)]


class _Fault(Struct, frozen=True, forbid_unknown_fields=True, tag_field="fault", kw_only=True):
    """`connection`: only on the connection with this id; None: on every one that is open now."""

    connection: int | None = None


class _FrameFault(_Fault, frozen=True, kw_only=True):
    """Meets the next `count` frames of this `kind`, of `symbol` or, where it is None, of each symbol."""

    symbol: str | None = None
    kind: Kind = "book"
    count: Count = 1
    # Only where the venue's checksum can tell.
    needs_checksum: ClassVar[bool] = False


class Drop(_Fault, frozen=True, tag="drop"):
    """The connection is cut off, without a close frame."""


class Freeze(_Fault, frozen=True, tag="freeze"):
    """Silence for some seconds; what should have been sent is lost. With a `symbol`, its data alone fall silent."""

    seconds: Seconds
    symbol: str | None = None


class Gap(_FrameFault, frozen=True, tag="gap"):
    """Frames are lost."""


class Duplicate(_FrameFault, frozen=True, tag="duplicate"):
    """Frames come twice."""


class Reorder(_FrameFault, frozen=True, tag="reorder"):
    """Frames come after the one that follows them."""


class Corrupt(_FrameFault, frozen=True, tag="corrupt"):
    """A bracket becomes something else, so that the frame is no JSON."""


class Digit(_FrameFault, frozen=True, tag="digit"):
    """A digit of the size nearest to the touch is another (Kraken: the checksum tells)."""

    needs_checksum: ClassVar[bool] = True


class Checksum(_FrameFault, frozen=True, tag="checksum"):
    """The checksum is another (Kraken)."""

    needs_checksum: ClassVar[bool] = True


class SlowSnapshot(_Fault, frozen=True, tag="slow_snapshot"):
    """For some seconds, snapshots come `delay_s` late: by REST as old as they are, in band made when they are sent."""

    seconds: Seconds
    delay_s: Seconds


class Restart(_Fault, frozen=True, tag="restart"):
    """All connections end, limits are forgotten, and for some seconds nobody answers."""

    seconds: Seconds


class Refuse(_Fault, frozen=True, tag="refuse"):
    """For some seconds new connections are answered with `status`, subscriptions and REST requests with an error."""

    seconds: Seconds
    connections: bool = True
    subscriptions: bool = False
    snapshots: bool = False  # whatever REST gives: books, or Deribit's lists
    status: Annotated[int, Meta(ge=400, le=599)] = 503


FrameFault: TypeAlias = Gap | Duplicate | Reorder | Corrupt | Digit | Checksum
Fault: TypeAlias = Drop | Freeze | FrameFault | SlowSnapshot | Restart | Refuse
