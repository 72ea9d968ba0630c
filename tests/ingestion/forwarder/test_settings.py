from pathlib import Path

import pytest

from ingestion.forwarder.settings import ConfigurationError, ForwardSettings, load
from ingestion.forwarder.streams import dialect_of, endpoint, named_streams

MINIMUM = {"venue": "kraken", "symbols": "BTC/USD"}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the `.env` and the variables of whoever runs the tests."""
    monkeypatch.chdir(tmp_path)
    for name in ForwardSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "forward.yaml"
    path.write_text(text)
    return path


def test_flags_override_the_environment_which_overrides_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = written(tmp_path, "venue: kraken\nsymbols: [BTC/USD]\nlinger_ms: 1\nqueue_mb: 1\nspill_mb: 1\n")
    monkeypatch.setenv("QUEUE_MB", "2")
    monkeypatch.setenv("SPILL_MB", "2")
    settings = load({"spill_mb": 3, "queue_mb": None}, config)
    assert (settings.linger_ms, settings.queue_mb, settings.spill_mb) == (1, 2, 3)


def test_names_are_cut_at_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYMBOLS", "BTC/USD, ETH/USD,")
    assert load({"venue": "kraken"}, None).symbols == ("BTC/USD", "ETH/USD")


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        ({"symbols": "X"}, "VENUE: Field required"),
        (MINIMUM | {"venue": "mtgox"}, r"VENUE: Input should be 'binance', .*, got 'mtgox'"),
        (MINIMUM | {"queue_mb": -1}, "QUEUE_MB: Input should be greater than 0, got -1"),
        (MINIMUM | {"ws_url": "http://x"}, "WS_URL: String should match pattern .*, got 'http://x'"),
        (MINIMUM | {"metrics_addr": "here"}, "METRICS_ADDR: String should match pattern .*, got 'here'"),
    ],
)
def test_a_bad_setting_is_named_with_its_value(flags: dict[str, object], told: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{told}"):
        load(flags, None)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("venu: kraken", r"forward\.yaml: venu is not a setting"),
        ("- kraken", r"expected `name: value` lines, got list"),
        ("venue: [", r"cannot read .*forward\.yaml"),
        ("venue: kraken\nsnapshot_levels: many", "SNAPSHOT_LEVELS: .*, got 'many'"),
    ],
)
def test_a_bad_file_is_named(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        load({}, written(tmp_path, text))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"cannot read .*nowhere\.yaml"):
        load(MINIMUM, tmp_path / "nowhere.yaml")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"symbols": ""}, "SYMBOLS: expected at least one symbol"),
        ({"channels": "book.7"}, r"CHANNELS: kraken has no channel 'book\.7'; usual ones: book\.25, trade"),
        ({"chains": "BTC"}, "CHAINS: kraken has no option chains, got BTC"),
        ({"testnet": True}, "TESTNET: kraken has none"),
        (
            {"venue": "deribit", "chains": "BTC", "chain_channel": "incremental_ticker"},
            r"CHAIN_CHANNEL: expected one of ticker\.100ms, ticker\.agg2, got 'incremental_ticker'",
        ),
    ],
)
def test_what_the_venue_does_not_have_is_refused(changes: dict[str, object], told: str) -> None:
    settings = load(MINIMUM | changes, None)
    with pytest.raises(ConfigurationError, match=told):
        dialect = dialect_of(settings)
        endpoint(dialect, settings)
        named_streams(dialect, settings)


def test_endpoints_are_overridden_one_by_one() -> None:
    settings = load({"venue": "binance", "symbols": "BTCUSDT", "ws_url": "ws://127.0.0.1:1"}, None)
    assert endpoint(dialect_of(settings), settings) == ("ws://127.0.0.1:1", "https://api.binance.com")


def test_the_test_network_is_the_venues_own() -> None:
    settings = load({"venue": "deribit", "symbols": "BTC-PERPETUAL", "testnet": True}, None)
    assert endpoint(dialect_of(settings), settings) == ("wss://test.deribit.com", "https://test.deribit.com")
