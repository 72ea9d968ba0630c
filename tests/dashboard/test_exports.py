"""Tables as files: what is read back is what was shown."""

import io
from datetime import datetime, timezone

import pandas as pd

from dashboard.exports import as_csv, as_parquet

TIME = datetime(2026, 3, 2, 10, 0, 0, 250_000, tzinfo=timezone.utc)
TABLE = pd.DataFrame(
    {"time": pd.to_datetime([TIME, TIME], utc=True), "value": [0.1, float("nan")], "symbol": ["BTC/USD", 'a "b", c']}
)


def test_csv_has_times_in_utc_and_empty_nulls() -> None:
    assert as_csv(TABLE).decode().splitlines() == [
        "time,value,symbol",
        "2026-03-02T10:00:00.250000Z,0.1,BTC/USD",
        '2026-03-02T10:00:00.250000Z,,"a ""b"", c"',
    ]


def test_parquet_keeps_types_and_values() -> None:
    found = pd.read_parquet(io.BytesIO(as_parquet(TABLE)))
    pd.testing.assert_frame_equal(found, TABLE, check_dtype=False)
    assert str(found["time"].dt.tz) == "UTC" and found["value"].dtype == "float64"
