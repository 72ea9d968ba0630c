"""The recorded Deribit options, read from ../shared/frames beside the repository."""

import gzip
import json

import pytest

from market.options.chain import Chain
from market.options.model import Model, price_chain
from market.options.view import View
from market.options.wire import IndexPrice, Instrument, OptionQuote, parse
from tests.frames import recorded_path

SUMMARY = "deribit/deribit-smile-stuff_book_summary_btc_option_20260428.json"
TICKERS = "deribit/cryptofeed_DERIBIT_20210722.jsonl.gz"
SUMMARY_TIME = 1777404145017  # a millisecond after the newest row


@pytest.fixture(scope="session")
def summary_frame() -> bytes:
    """The reply with 908 options."""
    return recorded_path(SUMMARY).read_bytes()


@pytest.fixture(scope="session")
def summary_view(summary_frame: bytes) -> View:
    chain = Chain("BTC")
    for event in parse(summary_frame):
        assert isinstance(event, OptionQuote)
        chain.apply(event)
    return chain.view(SUMMARY_TIME)


@pytest.fixture(scope="session")
def summary_model(summary_view: View) -> Model:
    return price_chain(summary_view)


@pytest.fixture(scope="session")
def recorded_lines() -> list[dict[str, object]]:
    with gzip.open(recorded_path(TICKERS), "rt") as lines:
        return [line for line in map(json.loads, lines) if line["t"] in ("recv", "http")]


@pytest.fixture(scope="session")
def recorded_events(recorded_lines: list[dict[str, object]]) -> list[OptionQuote | IndexPrice | Instrument]:
    """Every event of the 2021 recording that is not of a book."""
    frames = (str(line["data"]).encode() for line in recorded_lines)
    events = (event for frame in frames for event in parse(frame))
    return [event for event in events if isinstance(event, OptionQuote | IndexPrice | Instrument)]
