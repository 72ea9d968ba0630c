"""`reader.processed` and `reader.windows` on recordings, and what they say when they cannot."""

from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pandas as pd
import pyarrow as pa
import pytest

import reader
from ingestion.archive.writer import Archive
from jobs.relations import SQL
from market.records import Processed
from market.settings import Settings
from reader.datasets import WINDOWS, ReaderError

NOON = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)
NOON_MS = 1767268800000


def processed(symbol: str, ms: int, update_id: int, mid: float | None = 100.5) -> bytes:
    values = {name: None if kind == float | None else 0 for name, kind in Processed.__annotations__.items()}
    values |= {"venue": "binance", "symbol": symbol, "event_time": NOON_MS + ms, "recv_us": (NOON_MS + ms) * 1000 + 7}
    return msgspec.json.encode(values | {"update_id": update_id, "mid": mid, "flags": ["ofi_seed"]})


def window(size: str, ms: int) -> bytes:
    values = {"venue": "kraken", "symbol": "BTC/USD", "size": size, "window_start": NOON_MS + ms}
    return msgspec.json.encode(values | {"window_end": NOON_MS + ms + 1000, "updates": 3, "imbalance_mean": 0.25})


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as `depthflow record --topics orderbook.processed,orderbook.windows` writes it."""
    root = tmp_path_factory.mktemp("recording")
    archive = Archive(root)
    records = [
        ("orderbook.processed", "binance:BTCUSDT", processed("BTCUSDT", 1000, 2)),
        ("orderbook.processed", "binance:BTCUSDT", processed("BTCUSDT", 0, 1, mid=None)),
        ("orderbook.processed", "binance:ETHUSDT", processed("ETHUSDT", 1000, 9)),
        ("orderbook.processed", "binance:BTCUSDT", processed("BTCUSDT", 1000, 3)),
        ("orderbook.processed", "binance:BTCUSDT", b"not JSON"),
        ("orderbook.processed", "binance:BTCUSDT", b'{"venue": "binance", "event_time": null}'),
        ("orderbook.windows", "kraken:BTC/USD", window("1m", 0)),
        ("orderbook.windows", "kraken:BTC/USD", window("1s", 0)),
    ]
    for offset, (topic, key, value) in enumerate(records):
        record = SimpleNamespace(partition=0, offset=offset, timestamp=NOON_MS, key=key.encode(), value=value)
        archive.append(topic, record)
    archive.close()
    return root


def test_records_come_typed_with_aware_times_in_the_order_of_time(recording: Path) -> None:
    found = reader.processed(recording)
    assert list(found.update_id) == [1, 2, 3, 9]
    assert found.event_time.iloc[0] == pd.Timestamp(NOON) and str(found.event_time.dtype) == "datetime64[ms, UTC]"
    assert found.recv_time.iloc[0] == pd.Timestamp(NOON) + pd.Timedelta(microseconds=7)
    assert (found.mid.dtype, found.levels_bid.dtype, found.symbol.iloc[3]) == ("float64", "int64", "ETHUSDT")
    assert pd.isna(found.mid.iloc[0]) and list(found["flags"].iloc[0]) == ["ofi_seed"]


def test_columns_are_the_records_fields(recording: Path) -> None:
    names = [{"recv_us": "recv_time"}.get(name, name) for name in Processed.__annotations__]
    assert reader.processed(recording, form="arrow").schema.names == names


def test_books_are_named_with_their_venue_or_without(recording: Path) -> None:
    for symbols in ("ETHUSDT", "binance:ETHUSDT", ["binance:ETHUSDT", "kraken:BTCUSDT"]):
        assert list(reader.processed(recording, symbols).update_id) == [9]


def test_the_start_is_within_and_the_end_is_not(recording: Path) -> None:
    later = NOON + timedelta(seconds=1)
    assert list(reader.processed(recording, start=later).update_id) == [2, 3, 9]
    assert list(reader.processed(recording, start="2026-01-01T12:00Z", end=later).update_id) == [1]
    assert list(reader.processed(recording, end="2026-01-01T13:00:01+01:00").update_id) == [1]


def test_nothing_is_a_table_with_its_types(recording: Path) -> None:
    found = reader.windows(recording, symbols="NONE", form="arrow")
    assert (found.num_rows, found.schema.field("window_start").type) == (0, pa.timestamp("ms", "UTC"))


def test_windows_of_one_size(recording: Path) -> None:
    found = reader.windows(recording, size="1m")
    assert list(found["size"]) == ["1m"] and found.imbalance_mean.iloc[0] == 0.25
    assert found.window_end.iloc[0] == pd.Timestamp(NOON) + pd.Timedelta(seconds=1)
    assert len(reader.windows(recording)) == 2


def test_windows_have_the_columns_of_their_topic() -> None:
    text = (SQL / "sources" / "window_records.sql").read_text().partition("(\n")[2].partition("  start_ts")[0]
    assert [line.split()[0] for line in text.splitlines()] == list(WINDOWS.fields)


NAIVE = datetime(2026, 1, 1)  # noqa: DTZ001


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"start": NAIVE}, "start=2026-01-01 00:00:00 has no time zone"),
        ({"end": "noon"}, "end='noon': expected a time such as 2026-01-01T12:00:00Z"),
        ({"start": "2026-01-02T00:00Z", "end": "2026-01-01T00:00Z"}, "start=2026-01-02T00:00Z is not before end="),
        ({"form": "polars"}, "form='polars': expected 'pandas' or 'arrow'"),
        ({"source": "tpic"}, "source='tpic': expected 'topic', 'database', or the folder of a `depthflow record`"),
        ({"source": "database"}, "POSTGRES_DSN is not set"),
    ],
)
def test_what_cannot_be_read_is_said_with_the_mend(recording: Path, arguments: dict[str, object], said: str) -> None:
    with pytest.raises(ReaderError) as error:
        reader.processed(**{"source": recording, "settings": Settings(_env_file=None)} | arguments)
    assert str(error.value).startswith(said)


def test_an_unknown_size_and_a_folder_without_the_topic(recording: Path, tmp_path: Path) -> None:
    with pytest.raises(ReaderError, match="^size='5m': there are 1s, 10s, 1m$"):
        reader.windows(recording, size="5m")
    with pytest.raises(ReaderError, match="has no orderbook.windows: `depthflow record .* --topics orderbook.windows`"):
        reader.windows(tmp_path)
