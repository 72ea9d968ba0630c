"""What the analytics job should say of records and states, computed with pandas and numpy instead of SQL and Flink.

Areas come from one running integral over a book's whole life, not from sums over seconds as in `sql/views/`.
"""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]
SIZES = {"1s": (1000, 1000), "10s": (10_000, 1000), "1m": (60_000, 60_000)}  # length, step in ms


def windows(records: pd.DataFrame, states: pd.DataFrame) -> pd.DataFrame:
    """Rows as in the table `orderbook_windows` of one book; `window_start` in epoch ms."""
    moments = _moments(records, states)
    windows = [_window(moments, size, start) for size in SIZES for start in _starts(moments["event_time"], size)]
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


def _moments(records: pd.DataFrame, states: pd.DataFrame) -> pd.DataFrame:
    """All that happens to a book in the order of its time; in one ms it is synced, then updated, then lost."""
    updates = records.assign(place=1, lost=False)
    lost = states["state"] != "synced"
    changes = states[["event_time"]].assign(place=np.where(lost, 2, 0), lost=lost)
    both = pd.concat([updates, changes]).sort_values(["event_time", "place"], kind="stable", ignore_index=True)
    counted = both["imbalance"].notna() & both["spread"].notna()
    return both.assign(counted=counted.astype(float), lost=both["lost"].astype(float), update=both["place"] == 1)


def _starts(times: "pd.Series[int]", size: str) -> Iterable[int]:
    """Starts of the windows that have a moment in them."""
    length, step = SIZES[size]
    return sorted({start for time in times.unique() for start in range(time // step * step, time - length, -step)})


def _window(moments: pd.DataFrame, size: str, start: int) -> dict[str, object]:
    end = start + SIZES[size][0]
    times = moments["event_time"].to_numpy()
    inside = moments.iloc[np.searchsorted(times, start) : np.searchsorted(times, end)]
    updates = inside[inside["update"]]
    counted = _area(times, moments["counted"].to_numpy(), start, end)
    row: dict[str, object] = {"size": size, "window_start": start, "updates": len(updates)}
    for name in ("imbalance", "weighted_imbalance"):
        known = updates[name].dropna()
        values = (known.iloc[0], known.max(), known.min(), known.iloc[-1], known.mean()) if len(known) else [np.nan] * 5
        row |= {
            f"{name}_{part}": value
            for part, value in zip(("open", "high", "low", "close", "mean"), values, strict=True)
        }
    for name in ("imbalance", "spread"):
        held = (moments[name].fillna(0.0) * moments["counted"]).to_numpy()
        row[f"{name}_twa"] = _area(times, held, start, end) / counted if counted else np.nan
    row |= {f"{name}_mean": updates[name].mean() for name in ("spread_bps", "bid_depth", "ask_depth")}
    prices = updates["microprice"].dropna()
    row["ofi_sum"] = updates["ofi"].sum(min_count=1)
    row["microprice_last"] = prices.iloc[-1] if len(prices) else np.nan
    row["out_of_sync"] = _area(times, moments["lost"].to_numpy(), start, end) / (end - start)
    return row


def _area(times: npt.NDArray[np.int64], values: Floats, start: int, end: int) -> float:
    """Integral over [start, end) of what stood, each value from its time to the next."""
    areas = np.concatenate([[0.0], np.cumsum(values[:-1] * np.diff(times))])

    def until(time: int) -> float:
        at = int(np.searchsorted(times, time, "right")) - 1
        return float(areas[at] + values[at] * (time - times[at])) if at >= 0 else 0.0

    return until(end) - until(start)
