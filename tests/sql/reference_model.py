"""Expected windows and bars, computed with pandas and numpy from processed records, states and trades.

Integrals over time come from one running integral per book, not from sums over ticks as in `market/orderbook/`.
"""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
SIZES = {"1s": (1000, 1000), "10s": (10_000, 1000), "1m": (60_000, 60_000)}  # length, step in ms


def windows(records: pd.DataFrame, states: pd.DataFrame) -> pd.DataFrame:
    """Rows as in the table `orderbook_windows` of one book; `window_start` in epoch ms."""
    events = _events(records, states)
    windows = [_window(events, size, start) for size in SIZES for start in _starts(events["event_time"], size)]
    found = [row for row in windows if row["updates"] or row["out_of_sync"]]
    return pd.DataFrame(found).set_index(["size", "window_start"]).sort_index()


def trade_bars(trades: pd.DataFrame) -> pd.DataFrame:
    """Rows as in the table `trades_1s` of one symbol, by second in epoch ms."""
    priced = trades.assign(
        ts=trades["event_time"] // 1000 * 1000,
        notional=trades["price"] * trades["size"],
        signed_volume=trades["size"].where(trades["side"] == "buy", -trades["size"]),
        bought=trades["side"] == "buy",
    )
    seconds = priced.groupby("ts")
    bars = pd.DataFrame({
        "open": seconds["price"].first(), "high": seconds["price"].max(), "low": seconds["price"].min(),
        "close": seconds["price"].last(), "volume": seconds["size"].sum(), "notional": seconds["notional"].sum(),
        "signed_volume": seconds["signed_volume"].sum(), "trades": seconds.size(), "buys": seconds["bought"].sum(),
    })  # fmt: skip
    return bars.assign(vwap=bars["notional"] / bars["volume"])


def _events(records: pd.DataFrame, states: pd.DataFrame) -> pd.DataFrame:
    """Events of a book in the order of time; within one ms: synced, updated, lost."""
    updates = records.assign(place=1, lost=False)
    lost = states["state"] != "synced"
    changes = states[["event_time"]].assign(place=np.where(lost, 2, 0), lost=lost)
    both = pd.concat([updates, changes]).sort_values(["event_time", "place"], kind="stable", ignore_index=True)
    valid = both["imbalance"].notna() & both["spread"].notna()
    return both.assign(valid=valid.astype(float), lost=both["lost"].astype(float), update=both["place"] == 1)


def _starts(times: "pd.Series[int]", size: str) -> Iterable[int]:
    """Starts of the windows that contain an event."""
    length, step = SIZES[size]
    return sorted({start for time in times.unique() for start in range(time // step * step, time - length, -step)})


def _window(events: pd.DataFrame, size: str, start: int) -> dict[str, object]:
    end = start + SIZES[size][0]
    times = events["event_time"].to_numpy()
    inside = events.iloc[np.searchsorted(times, start) : np.searchsorted(times, end)]
    updates = inside[inside["update"]]
    valid = _integral(times, events["valid"].to_numpy(), start, end)
    row: dict[str, object] = {"size": size, "window_start": start, "updates": len(updates)}
    for name in ("imbalance", "weighted_imbalance"):
        known = updates[name].dropna()
        values = (known.iloc[0], known.max(), known.min(), known.iloc[-1], known.mean()) if len(known) else [np.nan] * 5
        row |= {
            f"{name}_{part}": value
            for part, value in zip(("open", "high", "low", "close", "mean"), values, strict=True)
        }
    for name in ("imbalance", "spread"):
        valued = (events[name].fillna(0.0) * events["valid"]).to_numpy()
        row[f"{name}_twa"] = _integral(times, valued, start, end) / valid if valid else np.nan
    row |= {f"{name}_mean": updates[name].mean() for name in ("spread_bps", "bid_depth", "ask_depth")}
    prices = updates["microprice"].dropna()
    row["ofi_sum"] = updates["ofi"].sum(min_count=1)
    row["microprice_last"] = prices.iloc[-1] if len(prices) else np.nan
    row["out_of_sync"] = _integral(times, events["lost"].to_numpy(), start, end) / (end - start)
    return row


def _integral(times: npt.NDArray[np.int64], values: Floats, start: int, end: int) -> float:
    """Integral over [start, end) of values that each apply from their time to the next."""
    integrals = np.concatenate([[0.0], np.cumsum(values[:-1] * np.diff(times))])

    def until(time: int) -> float:
        at = int(np.searchsorted(times, time, "right")) - 1
        return float(integrals[at] + values[at] * (time - times[at])) if at >= 0 else 0.0

    return until(end) - until(start)
