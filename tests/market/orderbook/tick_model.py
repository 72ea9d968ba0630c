"""Naive ticks of a book: boundaries by the definition, values by pandas over all updates, integrals over all time.

A stream is a list of `Processed` and `StateChange` (its `place` is ignored) in the order of arrival.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from core.records import Processed
from market.orderbook.tick_state import StateChange

Event = Processed | StateChange
OHLC = ("imbalance", "weighted_imbalance", "spread_bps")
USED = (
    *OHLC,
    "spread",
    "ofi",
    "bid_depth",
    "ask_depth",
)  # fields of an update; pandas copies all columns for each tick


class Slot(NamedTuple):
    """A tick's boundaries. `events`: numbers of its updates, or of its change of state."""

    start: int
    end: int
    events: list[int]
    state: str
    reason: str
    late: int
    is_change: bool = False


def slots(events: Sequence[Event], stale_after_s: int) -> list[Slot]:
    """Boundaries of the ticks that are published after the last event, without timers."""
    found: list[Slot] = []
    end = base = events[0].event_time
    updates: list[int] = []
    until = late = beats = 0
    state, reason = "synced", ""

    def publish(to: int, numbers: list[int], is_change: bool = False, behind: int = 0) -> None:
        nonlocal end
        found.append(Slot(end, to, numbers, state, reason, behind, is_change))
        end = to

    for number, event in enumerate(events):
        changed = isinstance(event, StateChange)
        at, behind = max(event.event_time, end), event.event_time < end
        if updates and (at >= until or changed):
            at_close = until if at >= until else max([at, *(events[each].event_time for each in updates)])
            publish(at_close, updates, behind=late)
            updates, late, base, beats = [], 0, end, 0
            at = max(at, end)
        while not updates and beats < stale_after_s and base + 1000 * (beats + 1) <= at:
            beats += 1
            publish(base + 1000 * beats, [])
        if changed:
            if at > end:
                publish(at, [])
            state, reason = event.state, event.reason
            publish(at, [number], is_change=True, behind=int(behind))
            base, beats = at, 0
        else:
            until = until if updates else at // 100 * 100 + 100
            updates, late = [*updates, number], late + behind
    return found


def ticks(events: Sequence[Event], stale_after_s: int = 30) -> pd.DataFrame:
    """Every tick but the open one, with the fields of BookTick that are computed."""
    found = slots(events, stale_after_s)
    rows, steps = _updates(events, found), _steps(events, found)
    losses = [slot.start for slot in found if slot.is_change and slot.state != "synced"]
    seconds = _bad_seconds(found)
    return pd.DataFrame([_tick(seq, slot, rows, steps, losses, seconds, found) for seq, slot in enumerate(found)])


def _updates(events: Sequence[Event], found: Sequence[Slot]) -> pd.DataFrame:
    """All updates of the slots in order, with their tick, its second, and changes of depths."""
    rows: list[dict[str, Any]] = []
    before: dict[str, Any] | None = None
    for seq, slot in enumerate(found):
        if slot.is_change:
            before = None
        for number in [] if slot.is_change else slot.events:
            event = events[number]
            assert isinstance(event, Processed)
            row: dict[str, Any] = {name: getattr(event, name) for name in USED}
            row |= {"seq": seq, "second": (slot.end - 1) // 1000}
            for side in ("bid", "ask"):
                row[f"{side}_change"] = row[f"{side}_depth"] - before[f"{side}_depth"] if before else np.nan
            rows.append(before := row)
    columns = [*USED, "seq", "second", "bid_change", "ask_change"]
    return pd.DataFrame(rows, columns=columns).astype({name: float for name in (*OHLC, "spread", "ofi")})


def _steps(events: Sequence[Event], found: Sequence[Slot]) -> pd.DataFrame:
    """Values over time, each from its time to that of the next: imbalance, spread, valid, lost."""
    steps = [(found[0].start if found else 0, 0.0, 0.0, 0.0, 0.0)]
    for slot in found:
        if slot.is_change:
            steps.append((slot.start, 0.0, 0.0, 0.0, float(slot.state != "synced")))
            continue
        applied = slot.start
        for number in slot.events:
            event = events[number]
            assert isinstance(event, Processed)
            applied = max(applied, event.event_time)
            valid = event.spread is not None
            steps.append((applied, event.imbalance or 0.0 if valid else 0.0, event.spread or 0.0, float(valid), 0.0))
    return pd.DataFrame(steps, columns=["time", "imbalance", "spread", "valid", "lost"])


def integral(steps: pd.DataFrame, name: str, start: int, end: int) -> float:
    """Integral of a column over [start, end)."""
    times, values = steps["time"].to_numpy(), steps[name].to_numpy()
    ends = np.append(times[1:], max(end, times[-1]))
    return float(((np.clip(ends, start, end) - np.clip(times, start, end)) * values).sum())


def _bad_seconds(found: Sequence[Slot]) -> list[int]:
    """Seconds that are not whole: the first one, and those in which the book was lost at any time."""
    bad = {found[0].start // 1000} if found else set()
    lost: int | None = None
    for slot in found:
        if lost is not None:
            bad.update(range(lost // 1000, slot.end // 1000 + 1))
        if slot.is_change:
            if slot.state != "synced":
                bad.add(slot.start // 1000)
            lost = slot.start if slot.state != "synced" else None
    return sorted(bad)


def _tick(
    seq: int,
    slot: Slot,
    rows: pd.DataFrame,
    steps: pd.DataFrame,
    losses: Sequence[int],
    bad: Sequence[int],
    found: Sequence[Slot],
) -> dict[str, Any]:
    first, end = rows["seq"].searchsorted([seq, seq + 1])
    own = rows.iloc[first:end]
    tick: dict[str, Any] = {"seq": seq, "start": slot.start, "end": slot.end, "state": slot.state, "late": slot.late}
    tick |= {"reason": slot.reason, "updates": len(own), "one_sided": bool(own["spread"].isna().any())}
    for name in OHLC:
        known = own[name].dropna()
        ends = (known.iloc[0], known.max(), known.min(), known.iloc[-1]) if len(known) else [np.nan] * 4
        tick |= {f"{name}_{part}": value for part, value in zip(("open", "high", "low", "close"), ends, strict=True)}
        tick |= {f"{name}_sum": known.sum(), f"{name}_count": len(known)}
    for name, of in (("valid_ms", "valid"), ("out_of_sync_ms", "lost")):
        tick[name] = integral(steps, of, slot.start, slot.end)
    for name in ("imbalance", "spread"):
        tick[f"{name}_integral"] = integral(steps, name, slot.start, slot.end)
    for side in ("bid", "ask"):
        depths, changes = own[f"{side}_depth"].astype(float), own[f"{side}_change"].dropna()
        tick |= {f"{side}_depth_low": depths.min(), f"{side}_depth_high": depths.max()}
        tick[f"{side}_depth_sum"] = depths.sum()
        up, down = (changes.max(), changes.min()) if len(changes) else (0.0, 0.0)
        tick[f"{side}_jump"] = up if up >= -down else down
    flows = own["ofi"].dropna()
    tick["ofi_sum"] = flows.sum() if len(flows) else np.nan
    tick["ofi_count"] = len(flows)
    last_loss = max(
        (each for each, other in enumerate(found[: seq + 1]) if other.is_change and other.state != "synced"), default=-1
    )
    recent = [each for each in range(last_loss + 1, seq + 1) if found[each].end > slot.end - 1000]
    flows = rows[rows["seq"].isin(recent)]["ofi"].dropna()
    tick["ofi_1s"] = flows.sum() if len(flows) else np.nan
    return tick | _past(slot, rows.iloc[:first], [] if last_loss < 0 else [found[last_loss].start], bad)


def _past(slot: Slot, rows: pd.DataFrame, losses: Sequence[int], bad: Sequence[int]) -> dict[str, Any]:
    second = (slot.end - 1) // 1000 if slot.end > slot.start else slot.end // 1000
    newest_bad = max((each for each in bad if each < second), default=-1)
    if losses:
        newest_bad = max(newest_bad, losses[-1] // 1000)
    past = rows[(rows["second"] < second) & (rows["second"] > newest_bad)]
    five = past[past["second"] >= second - 5]
    minutes = past[past["second"] >= second - 300].groupby("second")
    spreads = minutes["spread_bps"].mean().dropna()
    flows = minutes["ofi"].sum(min_count=1).dropna()
    return {
        "updates_5s": len(five),
        "bid_depth_mean_5s": five["bid_depth"].astype(float).mean(),
        "ask_depth_mean_5s": five["ask_depth"].astype(float).mean(),
        "spread_bps_median_5m": spreads.median(),
        "spread_seconds_5m": len(spreads),
        "ofi_mean_5m": flows.mean(),
        "ofi_std_5m": flows.std(ddof=0),
        "ofi_seconds_5m": len(flows),
    }
