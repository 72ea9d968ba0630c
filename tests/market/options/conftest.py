"""Recorded Deribit options: fixtures that read the recorded frames."""

import gzip
import json

import pytest

from market.options.chain import Chain
from market.options.chain_view import ChainView
from market.options.events import IndexPrice, Instrument, OptionQuote
from market.options.priced_chain import PricedChain, price_chain
from tests.recorded_frames import recorded_path
from venues.deribit import OPTION_FEED
from venues.deribit.option_messages import parse

SUMMARY = "deribit/deribit-smile-stuff_book_summary_btc_option_20260428.json"
TICKERS = "deribit/cryptofeed_DERIBIT_20210722.jsonl.gz"
SUMMARY_TIME = 1777404145017  # a millisecond after the newest row


@pytest.fixture(scope="session")
def summary_frame() -> bytes:
    """Recorded reply with 908 options."""
    return recorded_path(SUMMARY).read_bytes()


@pytest.fixture(scope="session")
def summary_view(summary_frame: bytes) -> ChainView:
    chain = Chain("BTC", OPTION_FEED)
    for event in parse(summary_frame):
        assert isinstance(event, OptionQuote)
        chain.apply(event)
    return chain.view(SUMMARY_TIME)


@pytest.fixture(scope="session")
def summary_chain(summary_view: ChainView) -> PricedChain:
    return price_chain(summary_view)


@pytest.fixture(scope="session")
def recorded_lines() -> list[dict[str, object]]:
    with gzip.open(recorded_path(TICKERS), "rt") as lines:
        return [line for line in map(json.loads, lines) if line["t"] in ("recv", "http")]


@pytest.fixture(scope="session")
def recorded_events(recorded_lines: list[dict[str, object]]) -> list[OptionQuote | IndexPrice | Instrument]:
    """All option events of the 2021 recording, without books."""
    frames = (str(line["data"]).encode() for line in recorded_lines)
    events = (event for frame in frames for event in parse(frame))
    return [event for event in events if isinstance(event, OptionQuote | IndexPrice | Instrument)]
