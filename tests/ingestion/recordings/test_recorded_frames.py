"""The real recordings of `frames/SOURCES.md`: every frame is accounted for."""

from collections import Counter

import pytest

from ingestion.recordings import Recording
from tests.ingestion.builders import only

CONTENTS = {
    "binance_spot/cryptofeed_BINANCE_2021*": (
        "binance",
        {"depth@100ms": 177, "bookTicker": 84, "aggTrade": 2, "snapshot": 4},
        {"kline_1m": 2, "exchangeInfo": 1, "header": 1, "connect": 1},
    ),
    "binance_spot/hftbacktest_spot_ethusdt_20240808*": (
        "binance",
        {"bookTicker": 24_077, "trade": 6_106, "depth@100ms": 3_434, "snapshot": 1},
        {},
    ),
    "binance_futures/cryptofeed_*": (
        "binance_usdm",
        {"depth@100ms": 764, "bookTicker": 613, "aggTrade": 91, "snapshot": 4},
        {"kline_1m": 67, "exchangeInfo": 1, "header": 1, "connect": 1},
    ),
    "binance_futures/hftbacktest_*": (
        "binance_usdm",
        {"bookTicker": 66_089, "trade": 21_313, "depth@0ms": 6_551, "snapshot": 1},
        {},
    ),
    "kraken/crypto-tracker_*": ("kraken", {"book.10": 221, "trade": 1}, {"ack": 4, "heartbeat": 12, "status": 1}),
    "kraken/kraken-data-recorder_*": (None, {}, {"instrument": 1}),
    "deribit/cryptofeed_*": (
        "deribit",
        {"book.raw": 46, "ticker.raw": 89, "instrument": 4},
        {"ack": 1, "header": 1, "connect": 1, "send": 1},
    ),
    "deribit/deribit-smile-stuff_*": ("deribit", {"book_summary": 1}, {}),
}


@pytest.mark.parametrize("name", CONTENTS)
def test_every_recorded_frame_is_accounted_for(name: str) -> None:
    venue, kept, counted = CONTENTS[name]
    recording = Recording(only(name))
    channels, venues, last = Counter[str](), set(), 0
    for envelope in recording:
        channels[envelope.channel] += 1
        venues.add(envelope.venue)
        last = max(last, envelope.recv_us)
    assert (channels, recording.account.counted) == (kept, counted)
    assert venues == ({venue} if venue else set())
    assert (recording.account.rejected, recording.account.kept) == (0, channels.total())
