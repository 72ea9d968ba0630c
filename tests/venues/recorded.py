"""Recorded frames and fixtures as raw records, by key. Tests skip recorded frames that are missing."""

import gzip
from functools import cache

import msgspec

from ingestion.recordings import Recording
from tests.recorded_frames import recorded_path

SPOT_DAYS = ("binance_spot/hftbacktest_spot_ethusdt_20240808.gz", "binance_spot/hftbacktest_spot_ethusdt_20240809.gz")
SPOT_2021 = ("binance_spot/cryptofeed_BINANCE_20211012.jsonl.gz",)
USDM = ("binance_futures/hftbacktest_usdm_btcusdt_20240808.gz",)
USDM_2021 = ("binance_futures/cryptofeed_BINANCE_FUTURES_20210722.jsonl.gz",)
KRAKEN = ("kraken/crypto-tracker_kraken_v2_book10_trade_BTCUSD_ETHUSD_20260802_prefix.jsonl",)
DERIBIT = ("deribit/cryptofeed_DERIBIT_20210722.jsonl.gz",)
VENUES = {SPOT_DAYS: "binance", SPOT_2021: "binance", USDM: "binance_usdm", USDM_2021: "binance_usdm"}
VENUES |= {KRAKEN: "kraken", DERIBIT: "deribit"}
SPOT_FIXTURE, USDM_FIXTURE, KRAKEN_FIXTURE, DERIBIT_FIXTURE = (
    (f"fixtures/{venue}/plain.jsonl",) for venue in ("binance", "binance_usdm", "kraken", "deribit")
)
FIXTURES = {SPOT_FIXTURE: "binance", USDM_FIXTURE: "binance_usdm", KRAKEN_FIXTURE: "kraken", DERIBIT_FIXTURE: "deribit"}
VENUES |= FIXTURES
_encode = msgspec.json.Encoder().encode


@cache
def recorded(files: tuple[str, ...]) -> dict[str, list[bytes]]:
    """Values by key, the files read one after the other, without frames of options and candles."""
    by_key: dict[str, list[bytes]] = {}
    for name in files:
        for envelope in Recording(recorded_path(name), VENUES[files]):
            if not envelope.channel.startswith(("ticker", "kline", "instrument", "index")):
                by_key.setdefault(f"{envelope.venue}:{envelope.symbol}", []).append(_encode(envelope))
    return by_key


def lines(name: str) -> list[bytes]:
    """The lines of one recording as they are in the file."""
    data = recorded_path(name).read_bytes()
    return (gzip.decompress(data) if name.endswith(".gz") else data).splitlines()
