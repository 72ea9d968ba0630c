"""`reader.processed`, `reader.windows` and `reader.ticks` on archives, and their errors."""

import re
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pandas as pd
import pyarrow as pa
import pytest

import reader
from core.records import Processed
from core.settings import Settings
from ingestion.archive.writer import Archive
from jobs.sql_files import SQL
from market.orderbook.tick_records import BookTick, TradeTick
from reader.datasets import TICKS, WINDOWS, Dataset
from reader.errors import ReaderError

NOON = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)
NOON_MS = 1767268800000
NO_FIELDS = ("kind", "start_ts", "event_ts", "published_ts", "WATERMARK")
NO_FIELDS += ("record_topic", "record_partition", "record_offset")


def processed(symbol: str, ms: int, update_id: int, mid: float | None = 100.5) -> bytes:
    values = {name: None if kind == float | None else 0 for name, kind in Processed.__annotations__.items()}
    values |= {"venue": "binance", "symbol": symbol, "event_time": NOON_MS + ms, "recv_us": (NOON_MS + ms) * 1000 + 7}
    return msgspec.json.encode(values | {"update_id": update_id, "mid": mid, "flags": ["ofi_seed"]})


def window(size: str, ms: int) -> bytes:
    values = {"venue": "kraken", "symbol": "BTC/USD", "size": size, "window_start": NOON_MS + ms}
    return msgspec.json.encode(values | {"window_end": NOON_MS + ms + 1000, "updates": 3, "imbalance_mean": 0.25})


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as written by `depthflow record --topics orderbook.processed,orderbook.windows`."""
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


def test_rows_are_typed_and_ordered_by_aware_times(recording: Path) -> None:
    frame = reader.processed(recording)
    assert list(frame.update_id) == [1, 2, 3, 9]
    assert frame.event_time.iloc[0] == pd.Timestamp(NOON) and str(frame.event_time.dtype) == "datetime64[ms, UTC]"
    assert frame.recv_time.iloc[0] == pd.Timestamp(NOON) + pd.Timedelta(microseconds=7)
    assert (frame.mid.dtype, frame.levels_bid.dtype, frame.symbol.iloc[3]) == ("float64", "int64", "ETHUSDT")
    assert pd.isna(frame.mid.iloc[0]) and list(frame["flags"].iloc[0]) == ["ofi_seed"]


def test_columns_are_the_records_fields(recording: Path) -> None:
    names = [{"recv_us": "recv_time"}.get(name, name) for name in Processed.__annotations__]
    assert reader.processed(recording, form="arrow").schema.names == names


def test_books_are_named_with_their_venue_or_without(recording: Path) -> None:
    for symbols in ("ETHUSDT", "binance:ETHUSDT", ["binance:ETHUSDT", "kraken:BTCUSDT"]):
        assert list(reader.processed(recording, symbols).update_id) == [9]


def test_start_is_inclusive_and_end_exclusive(recording: Path) -> None:
    later = NOON + timedelta(seconds=1)
    assert list(reader.processed(recording, start=later).update_id) == [2, 3, 9]
    assert list(reader.processed(recording, start="2026-01-01T12:00Z", end=later).update_id) == [1]
    assert list(reader.processed(recording, end="2026-01-01T13:00:01+01:00").update_id) == [1]


def test_an_empty_result_has_typed_columns(recording: Path) -> None:
    table = reader.windows(recording, symbols="NONE", form="arrow")
    assert (table.num_rows, table.schema.field("window_start").type) == (0, pa.timestamp("ms", "UTC"))


def test_windows_can_be_filtered_by_size(recording: Path) -> None:
    frame = reader.windows(recording, size="1m")
    assert list(frame["size"]) == ["1m"] and frame.imbalance_mean.iloc[0] == 0.25
    assert frame.window_end.iloc[0] == pd.Timestamp(NOON) + pd.Timedelta(seconds=1)
    assert len(reader.windows(recording)) == 2


@pytest.mark.parametrize(
    ("source", "datasets"), [("window_records", [WINDOWS]), ("ticks", [TICKS["book"], TICKS["trade"]])]
)
def test_a_dataset_has_the_columns_of_its_source_in_sql(source: str, datasets: list[Dataset]) -> None:
    text = (SQL / "sources" / f"{source}.sql").read_text().partition("(\n")[2]
    columns = [name for name in re.findall(r"^  `?(\w+)`? ", text, re.MULTILINE) if name not in NO_FIELDS]
    assert columns == list(dict.fromkeys(name for each in datasets for name in each.record.__struct_fields__))


def test_ticks_are_read_by_kind(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    book = {name: None for name in BookTick.__struct_fields__[:33]} | {"kind": "book", "seq": 4, "flags": []}
    book |= {"venue": "kraken", "symbol": "BTC/USD", "start": NOON_MS, "end": NOON_MS + 100, "state": "synced"}
    book |= {"reason": "", "updates": 0, "late": 0, "one_sided": False, "event_time": NOON_MS}
    trade = {name: 0 for name in TradeTick.__struct_fields__} | {"kind": "trade", "seq": 1, "start": NOON_MS}
    trade |= {"venue": "kraken", "symbol": "BTC/USD", "volume": 2.5}
    for offset, value in enumerate((book, trade)):
        record = SimpleNamespace(
            partition=0, offset=offset, timestamp=NOON_MS, key=b"kraken:BTC/USD", value=msgspec.json.encode(value)
        )
        archive.append("orderbook.ticks", record)
    archive.close()
    frame = reader.ticks(tmp_path)
    assert (list(frame.seq), list(frame.state)) == ([4], ["synced"]) and pd.isna(frame.recv_time.iloc[0])
    assert list(reader.ticks(tmp_path, kind="trade").volume) == [2.5]
    with pytest.raises(ReaderError, match="^unknown kind 'quote'; expected book or trade$"):
        reader.ticks(tmp_path, kind="quote")  # type: ignore[call-overload]
    with pytest.raises(ReaderError, match="^the database has no records of orderbook.ticks; read them from 'topic'"):
        reader.ticks("database", settings=Settings(_env_file=None))


NAIVE = datetime(2026, 1, 1)  # noqa: DTZ001


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"start": NAIVE}, "start=2026-01-01 00:00:00 has no time zone"),
        ({"end": "noon"}, "end='noon': expected a time such as 2026-01-01T12:00:00Z"),
        ({"start": "2026-01-02T00:00Z", "end": "2026-01-01T00:00Z"}, "start=2026-01-02T00:00Z is not before end="),
        ({"form": "polars"}, "unknown form 'polars'; expected 'pandas' or 'arrow'"),
        ({"source": "tpic"}, "unknown source 'tpic'; expected 'topic', 'database', or the folder of a `depthflow"),
        ({"source": "database"}, "POSTGRES_DSN is not set"),
    ],
)
def test_errors_name_the_cause_and_the_remedy(recording: Path, arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ReaderError) as error:
        reader.processed(**{"source": recording, "settings": Settings(_env_file=None)} | arguments)
    assert str(error.value).startswith(message)


def test_an_unknown_size_and_a_folder_without_the_topic_are_errors(recording: Path, tmp_path: Path) -> None:
    with pytest.raises(ReaderError, match="^unknown size '5m'; expected one of 1s, 10s, 1m$"):
        reader.windows(recording, size="5m")
    with pytest.raises(
        ReaderError, match="contains no records of orderbook.windows; .*`depthflow record .* --topics orderbook.win"
    ):
        reader.windows(tmp_path)
