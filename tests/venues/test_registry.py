"""Discovery of venues, and the modules that a look-up loads."""

import subprocess
import sys
from pathlib import Path

import pytest

from market.orderbook.book_config import BookConfig
from market.orderbook.builder import BookBuilder
from simulator.registry import SIMULATORS
from venues.frame_info import FRAME_ERRORS
from venues.registry import VENUES, open_builder, option_feeds, size_unit

ROOT = Path(__file__).parents[2]
LOADED = "import sys; {imports}; print(*sorted({{name.split('.')[0] for name in sys.modules}}))"


def loaded_packages(imports: str) -> set[str]:
    """Top-level packages in memory after the imports."""
    command = [sys.executable, "-c", LOADED.format(imports=imports)]
    return set(subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True).stdout.split())


def test_the_venues_of_the_repository_are_found_in_the_order_of_their_folders() -> None:
    known = ["binance", "binance_usdm", "deribit", "kraken"]
    assert [name for name in VENUES if name in known] == known


def test_every_venue_has_a_simulator() -> None:
    assert SIMULATORS.keys() == VENUES.keys()


@pytest.mark.parametrize("venue", VENUES)
def test_a_venue_opens_a_builder(venue: str) -> None:
    assert VENUES[venue].protocol.venue == VENUES[venue].id == venue
    assert isinstance(open_builder(f"{venue}:X", BookConfig()), BookBuilder)


@pytest.mark.parametrize("venue", VENUES)
@pytest.mark.parametrize("frame", [b"", b"[1]", b'{"hello":1}', b'{"result":null,"id":1}'])
def test_a_frame_without_an_origin_is_not_recognised(venue: str, frame: bytes) -> None:
    try:
        recognised = VENUES[venue].recognise(frame)
    except FRAME_ERRORS:
        return
    assert recognised is None


def test_deribit_has_option_chains_and_the_others_have_none() -> None:
    assert option_feeds().keys() & {"binance", "binance_usdm", "deribit", "kraken"} == {"deribit"}


def test_books_load_neither_numpy_nor_flink() -> None:
    loaded = loaded_packages("import ingestion.rebuild, ingestion.recordings")
    assert "venues" in loaded and not loaded & {"numpy", "pyflink", "pandas", "pyarrow"}


def test_help_of_the_command_line_loads_no_venue() -> None:
    loaded = loaded_packages(
        "import contextlib, io, stack.cli.main as cli; sys.argv = ['depthflow', '--help']\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit): cli.main()\n"
        "import sys"
    )
    assert "stack" in loaded and "venues" not in loaded


@pytest.mark.parametrize("symbol", ["S" * 65, "S" * 10_000, "A\0B", "A\nB", "A\x7fB", "\ud800"])
def test_a_symbol_that_the_database_would_refuse_is_rejected_and_has_no_state(symbol: str) -> None:
    builder = open_builder(f"binance:{symbol}", BookConfig())
    batch = builder.apply_all([b"{}"])
    assert [reject.where for reject in batch.rejects] == ["key"]
    assert "expected a symbol of at most 64 printable characters" in batch.rejects[0].reason
    assert len(batch.rejects[0].reason) < 500 and builder.journal() is None


@pytest.mark.parametrize("symbol", ["BTCUSDT", "BTC/USD", "BTC-PERPETUAL", "币安人生USDT", "S" * 64])
def test_symbols_of_the_exchanges_are_accepted(symbol: str) -> None:
    assert isinstance(open_builder(f"binance:{symbol}", BookConfig()), BookBuilder)


@pytest.mark.parametrize(
    ("venue", "symbol", "unit"),
    [
        ("binance", "ETHBTC", "ETH"),
        ("binance_usdm", "BTCUSDT_260327", "BTC"),
        ("kraken", "WBTC/USD", "WBTC"),
        ("deribit", "BTC-PERPETUAL", "USD"),
        ("unknown", "SOL-USD", "SOL"),
        ("unknown", "BTC", "BTC"),
    ],
)
def test_the_unit_of_sizes_is_that_of_the_venue(venue: str, symbol: str, unit: str) -> None:
    assert size_unit(venue, symbol) == unit
