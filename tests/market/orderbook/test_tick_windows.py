"""Windows of a book against the reference model of the database's windows."""

import msgspec
import numpy as np
import pandas as pd
from hypothesis import given, settings

from core.records import Processed
from tests.market.orderbook.tick_model import Event
from tests.market.orderbook.tick_streams import OPEN, change, streams, update, whole, windows_of
from tests.sql import reference_model

MINUTE = 60_000


def found_windows(events: list[Event]) -> pd.DataFrame:
    """Windows of a stream that ends two minutes later, in which no window is open."""
    last = max(event.event_time for event in events)
    lines = whole([*events, change(last + 100, "synced"), change(last + 2 * MINUTE, "synced")])[1]
    records = [msgspec.structs.asdict(window) for window in windows_of(lines)]
    columns = ["size", "window_start", "updates"]
    return pd.DataFrame(records, columns=None if records else columns).set_index(["size", "window_start"]).sort_index()


def expected_windows(events: list[Event]) -> pd.DataFrame:
    last = max(event.event_time for event in events)
    rows = [msgspec.structs.asdict(event) for event in events if isinstance(event, Processed)]
    states = [(event.event_time, event.state) for event in events if not isinstance(event, Processed)]
    frame = pd.DataFrame([*states, (last + 100, "synced")], columns=["event_time", "state"])
    columns = Processed.__struct_fields__
    records = pd.DataFrame(rows, columns=list(columns)).astype({"ofi": float, "spread": float, "spread_bps": float})
    return reference_model.windows(records, frame)


def test_windows_of_quiet_books_have_no_records() -> None:
    found = found_windows([update(OPEN), update(OPEN + 20_000)])
    assert list(found.loc["1s"].index - OPEN) == [0, 20_000]
    assert len(found.loc["10s"]) == 20 and list(found.loc["1m"]["updates"]) == [2]


@given(events=streams(longest_gap=15_000, jitter=False))
@settings(max_examples=40, deadline=None)
def test_windows_equal_the_reference_model(events: list[Event]) -> None:
    """Windows that only a heartbeat of a lost book ends in are further ones."""
    if not any(isinstance(event, Processed) for event in events):
        return
    found, expected = found_windows(events), expected_windows(events)
    further = found.loc[found.index.difference(expected.index)]
    assert (further["updates"] == 0).all() and (further["out_of_sync"] > 0).all()
    assert expected.index.isin(found.index).all()
    same = found.loc[expected.index]
    for name in expected.columns:
        np.testing.assert_allclose(same[name].astype(float), expected[name].astype(float), 1e-9, 1e-9, err_msg=name)
