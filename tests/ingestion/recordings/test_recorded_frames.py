"""Real recordings and the fixtures: every frame is accepted or counted as ignored."""

from collections import Counter

import pytest

from ingestion.recordings import Recording
from tests.ingestion.builders import recorded_file

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
FRAMES = {
    "binance": {"depth@100ms": 29, "bookTicker": 23, "aggTrade": 10, "snapshot": 2},
    "binance_usdm": {"depth@100ms": 29, "bookTicker": 23, "aggTrade": 4, "snapshot": 2},
    "deribit": {"instrument": 1, "book.100ms": 31, "index": 3, "ticker.100ms": 24, "trades.100ms": 6},
    "kraken": {"book.10": 62, "trade": 16},
}
PLAIN = {
    "binance": ({"depth@100ms": 53, "bookTicker": 38, "aggTrade": 16, "snapshot": 2}, {"ack": 1}),
    "binance_usdm": ({"depth@100ms": 53, "bookTicker": 39, "aggTrade": 15, "snapshot": 2}, {"ack": 2}),
    "deribit": (
        {"instrument": 1, "book.100ms": 55, "index": 3, "ticker.100ms": 24, "trades.100ms": 13},
        {"ack": 6, "heartbeat": 2},
    ),
    "kraken": ({"book.10": 110, "trade": 36}, {"status": 1, "ack": 6, "heartbeat": 13}),
}
CONTENTS |= {f"fixtures/{venue}/plain.jsonl": (venue, *contents) for venue, contents in PLAIN.items()}
CONTENTS |= {
    f"fixtures/{venue}/envelopes.jsonl": (venue, contents | {"connection": 2 if venue == "kraken" else 1}, {})
    for venue, contents in FRAMES.items()
}
CONTENTS |= {
    "fixtures/binance/hftbacktest.jsonl": ("binance", FRAMES["binance"], {"ack": 1}),
    "fixtures/binance_usdm/hftbacktest.jsonl": ("binance_usdm", FRAMES["binance_usdm"], {"ack": 2}),
    "fixtures/binance/cryptofeed.jsonl": (
        "binance",
        FRAMES["binance"],
        {"header": 1, "connect": 1, "send": 1, "ack": 1},
    ),
    "fixtures/binance_usdm/cryptofeed.jsonl": (
        "binance_usdm",
        FRAMES["binance_usdm"],
        {"header": 1, "connect": 1, "send": 2, "ack": 2},
    ),
    "fixtures/deribit/cryptofeed.jsonl": (
        "deribit",
        FRAMES["deribit"],
        {"header": 1, "connect": 1, "send": 5, "ack": 5},
    ),
    "fixtures/kraken/cryptofeed.jsonl": (
        "kraken",
        FRAMES["kraken"],
        {"header": 1, "connect": 1, "status": 1, "send": 5, "ack": 6, "heartbeat": 7},
    ),
}


@pytest.mark.parametrize("name", CONTENTS)
def test_every_recorded_frame_is_accepted_or_ignored(name: str) -> None:
    venue, accepted, ignored = CONTENTS[name]
    recording = Recording(recorded_file(name))
    channels, venues, last = Counter[str](), set(), 0
    for envelope in recording:
        channels[envelope.channel] += 1
        venues.add(envelope.venue)
        last = max(last, envelope.recv_us)
    assert (channels, recording.report.ignored) == (accepted, ignored)
    assert venues == ({venue} if venue else set())
    assert (recording.report.rejected, recording.report.accepted) == (0, channels.total())
