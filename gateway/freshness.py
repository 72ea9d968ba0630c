"""Age and trust of an answer."""

from typing import Literal

from msgspec import Struct

from core.records import BookState

Source = Literal["redis", "database"]


class StateRecord(Struct, frozen=True):
    """State of a book or chain since a time (epoch ms); Redis key `status:VENUE:SYMBOL`."""

    state: BookState
    reason: str
    since: int


class Freshness(Struct, frozen=True):
    """Age of an answer and whether its book or chain is to be trusted.

    `event_time`: newest event time in the answer (epoch ms); `age_ms`: time since then. `trusted`: the book is in sync
    and not older than STALE_AFTER_S; null for answers about no single book. `state`, `reason` and `since` (epoch ms)
    are those of the book; an untrusted answer always has a reason.
    """

    source: Source
    event_time: int | None = None
    age_ms: int | None = None
    trusted: bool | None = None
    state: BookState | None = None
    reason: str | None = None
    since: int | None = None

    def headers(self) -> dict[str, str]:
        """The same as headers, for answers that are not JSON."""
        values = {"Depthflow-Age-Ms": self.age_ms, "Depthflow-Trusted": self.trusted, "Depthflow-State": self.state}
        return {name: str(value).lower() for name, value in values.items() if value is not None}


def judge(
    source: Source, event_time: int | None, state: StateRecord | None, now_ms: int, stale_after_ms: float
) -> Freshness:
    """Freshness of values of one book. Without a known state it is not trusted. A clock that steps back gives age 0."""
    age_ms = None if event_time is None else max(0, now_ms - event_time)
    known = {} if state is None else {"state": state.state, "reason": state.reason, "since": state.since}
    reason = _distrust(age_ms, state, stale_after_ms)
    if reason is not None:
        known["reason"] = reason
    return Freshness(source, event_time, age_ms, trusted=reason is None, **known)  # type: ignore[arg-type]


def aged(source: Source, event_time: int | None, now_ms: int) -> Freshness:
    """Freshness of rows that belong to no single book."""
    return Freshness(source, event_time, None if event_time is None else max(0, now_ms - event_time))


def _distrust(age_ms: int | None, state: StateRecord | None, stale_after_ms: float) -> str | None:
    if state is None:
        return "state unknown: the cache job has written none"
    if state.state != "synced":
        return state.reason or state.state
    if age_ms is not None and age_ms > stale_after_ms:
        return f"no update for {age_ms / 1000:.0f} s"
    return None
