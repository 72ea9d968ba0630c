"""Faults that can be injected. As JSON, `fault` names the kind: `{"fault": "gap", "count": 2}`."""

from typing import Annotated, ClassVar, TypeAlias

from msgspec import Meta, Struct

from simulator.publication import Kind

Count: TypeAlias = Annotated[int, Meta(ge=1, le=100_000)]
Seconds: TypeAlias = Annotated[float, Meta(ge=0, le=86_400)]


class _Fault(Struct, frozen=True, forbid_unknown_fields=True, tag_field="fault", kw_only=True):
    """`connection`: number of the only connection affected; None: every connection that is open now."""

    connection: int | None = None


class _FrameFault(_Fault, frozen=True, kw_only=True):
    """Affects the next `count` frames of this `kind`, of `symbol` or, where it is None, of each symbol."""

    symbol: str | None = None
    kind: Kind = "book"
    count: Count = 1
    # Only a venue with checksums can detect the fault.
    needs_checksum: ClassVar[bool] = False


class Drop(_Fault, frozen=True, tag="drop"):
    """The connection is cut without a close frame."""


class Freeze(_Fault, frozen=True, tag="freeze"):
    """Nothing is sent for some seconds, and the frames of that time are lost. `symbol`: only its data are lost."""

    seconds: Seconds
    symbol: str | None = None


class Gap(_FrameFault, frozen=True, tag="gap"):
    """Frames are lost."""


class Duplicate(_FrameFault, frozen=True, tag="duplicate"):
    """Frames are sent twice."""


class Reorder(_FrameFault, frozen=True, tag="reorder"):
    """Frames are sent after the frame that follows them."""


class Corrupt(_FrameFault, frozen=True, tag="corrupt"):
    """A bracket is replaced, so that the frame is not JSON."""


class WrongDigit(_FrameFault, frozen=True, tag="digit"):
    """A digit of the size nearest to the touch is changed (Kraken: the checksum detects it)."""

    needs_checksum: ClassVar[bool] = True


class WrongChecksum(_FrameFault, frozen=True, tag="checksum"):
    """The checksum is changed (Kraken)."""

    needs_checksum: ClassVar[bool] = True


class SlowSnapshot(_Fault, frozen=True, tag="slow_snapshot"):
    """For some seconds, snapshots arrive `delay_s` late: REST bodies aged by the delay, in-band ones made when sent."""

    seconds: Seconds
    delay_s: Seconds


class Restart(_Fault, frozen=True, tag="restart"):
    """All connections end, limits are reset, and for some seconds no request is answered."""

    seconds: Seconds


class Refuse(_Fault, frozen=True, tag="refuse"):
    """For some seconds new connections are refused with `status`, subscriptions and REST requests with an error."""

    seconds: Seconds
    connections: bool = True
    subscriptions: bool = False
    snapshots: bool = False  # all REST data: books, or Deribit's lists
    status: Annotated[int, Meta(ge=400, le=599)] = 503


class IdReset(_Fault, frozen=True, tag="id_reset"):
    """Ids of updates and trades restart lower, as after a relisting, a migration or a wiped test network.

    Times go on unless `restart_time`: then event times step back by an hour as well. `close`: connections are closed
    with 1001 at that moment; without it the ids change on open connections.
    """

    symbol: str | None = None
    first_id: Annotated[int, Meta(ge=0)] = 1_000
    restart_time: bool = False
    close: bool = False


class SilentStream(_Fault, frozen=True, tag="silent_stream"):
    """One stream of a symbol stops for some seconds, or until the client subscribes it again; all else goes on."""

    symbol: str
    seconds: Seconds
    kind: Kind = "book"


class NoGoodbye(_Fault, frozen=True, tag="no_goodbye"):
    """The connection dies and is not closed: nothing is sent or answered on it any more. New connections work."""


class Http520(_Fault, frozen=True, tag="http_520"):
    """For some seconds a proxy answers in place of the exchange: `status` to every HTTP request and every handshake."""

    seconds: Seconds
    status: Annotated[int, Meta(ge=400, le=599)] = 520
    retry_after_s: Annotated[int, Meta(ge=0, le=86_400)] | None = None


class ClockSkew(_Fault, frozen=True, tag="clock_skew"):
    """Event times are shifted by `seconds` from now on; 0 ends it."""

    seconds: Annotated[float, Meta(ge=-86_400, le=86_400)]


class Fillers(_Fault, frozen=True, tag="fillers"):
    """USD-M: `trade` frames that are no trades follow the next step: `X` is NA, INSURANCE_FUND or ADL in turn."""

    symbol: str | None = None
    count: Count = 3


FrameFault: TypeAlias = Gap | Duplicate | Reorder | Corrupt | WrongDigit | WrongChecksum
ExchangeFault: TypeAlias = SlowSnapshot | Restart | Refuse | Http520
MarketFault: TypeAlias = IdReset | ClockSkew | Fillers
Fault: TypeAlias = Drop | Freeze | FrameFault | SilentStream | NoGoodbye | ExchangeFault | MarketFault
