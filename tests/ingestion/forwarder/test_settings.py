"""Settings of the forwarder: order of the sources, and errors that name the setting."""

from pathlib import Path

import pytest
from typer.main import get_command

from ingestion.forwarder.cli import app
from ingestion.forwarder.plan import make_plan
from ingestion.forwarder.settings import OPTIONS, ConfigurationError, ForwardSettings, load
from venues.registry import VENUES

MINIMUM = {"venue": "kraken", "symbols": "BTC/USD"}


@pytest.fixture(autouse=True)
def clean_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the `.env` and the variables of the user who runs the tests."""
    monkeypatch.chdir(tmp_path)
    for name in ForwardSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def config_file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "forward.yaml"
    path.write_text(text)
    return path


def test_flags_override_the_environment_which_overrides_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = config_file(tmp_path, "venue: kraken\nsymbols: [BTC/USD]\nlinger_ms: 1\nqueue_mb: 1\nspill_mb: 1\n")
    monkeypatch.setenv("QUEUE_MB", "2")
    monkeypatch.setenv("SPILL_MB", "2")
    settings = load({"spill_mb": 3, "queue_mb": None}, config)
    assert (settings.linger_ms, settings.queue_mb, settings.spill_mb) == (1, 2, 3)


def test_names_are_split_at_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYMBOLS", "BTC/USD, ETH/USD,")
    assert load({"venue": "kraken"}, None).symbols == ("BTC/USD", "ETH/USD")


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"symbols": "X"}, rf"--venue \(VENUE\): missing; expected one of {', '.join(VENUES)}$"),
        (MINIMUM | {"venue": "mtgox"}, rf"--venue \(VENUE\): expected one of {', '.join(VENUES)}, got 'mtgox'"),
        (MINIMUM | {"queue_mb": -1}, "QUEUE_MB: expected greater than 0, got -1"),
        (MINIMUM | {"ws_url": "http://x"}, r"--ws-url \(WS_URL\): .* begins with ws:// or wss://, got 'http://x'"),
        (MINIMUM | {"rest_url": "https://"}, r"--rest-url \(REST_URL\): .* http:// or https://, got 'https://'"),
        *(
            (MINIMUM | {"metrics_addr": given}, rf"--metrics-addr \(METRICS_ADDR\): expected host:port.*'{given}'")
            for given in ("here", "127.0.0.1", "127.0.0.1:", "127.0.0.1:99999", "2112", "x:²")
        ),
        (MINIMUM | {"log_level": "loud"}, r"--log-level \(LOG_LEVEL\): expected 'debug', .*, got 'loud'"),
    ],
)
def test_a_bad_setting_is_named_with_its_value(flags: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{message}"):
        load(flags, None)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("venu: kraken", r"forward\.yaml: venu is not a setting"),
        ("- kraken", r"expected `name: value` lines, got list"),
        ("venue: [", r"cannot read .*forward\.yaml"),
        ("venue: kraken\nsnapshot_levels: many", "SNAPSHOT_LEVELS: .*, got 'many'"),
    ],
)
def test_a_bad_file_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        load({}, config_file(tmp_path, text))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"cannot read .*nowhere\.yaml"):
        load(MINIMUM, tmp_path / "nowhere.yaml")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"symbols": ""}, r"--symbols \(SYMBOLS\): expected at least one symbol or chain, got none"),
        ({"channels": "book.7"}, r"--channels \(CHANNELS\): kraken has no channel 'book\.7'; usual ones: book"),
        ({"chains": "BTC"}, r"--chains \(CHAINS\): kraken has no option chains, got BTC"),
        ({"testnet": True}, r"--testnet \(TESTNET\): kraken has no test network"),
        (
            {"venue": "deribit", "chains": "BTC", "chain_channel": "incremental_ticker"},
            r"CHAIN_CHANNEL: expected one of ticker\.100ms, ticker\.agg2, got 'incremental_ticker'",
        ),
    ],
)
def test_settings_that_the_venue_does_not_support_are_rejected(changes: dict[str, object], message: str) -> None:
    settings = load(MINIMUM | changes, None)
    with pytest.raises(ConfigurationError, match=message):
        make_plan(settings)


@pytest.mark.parametrize(
    ("venue", "levels", "choices"),
    [
        ("binance", 5001, "1 to 5000 levels"),
        ("binance_usdm", 5000, "5, 10, 20, 50, 100, 500 or 1000 levels"),
        ("binance_usdm", 200, "5, 10, 20, 50, 100, 500 or 1000 levels"),
    ],
)
def test_snapshots_larger_than_the_venues_are_rejected_with_its_choices(venue: str, levels: int, choices: str) -> None:
    settings = load({"venue": venue, "symbols": "BTCUSDT", "snapshot_levels": levels}, None)
    message = f"SNAPSHOT_LEVELS: {venue} has snapshots of {choices}, got {levels}"
    with pytest.raises(ConfigurationError, match=f"^{message}$"):
        make_plan(settings)


@pytest.mark.parametrize(("venue", "levels"), [("binance", 5000), ("binance", 1), ("binance_usdm", 20), ("kraken", 7)])
def test_snapshots_that_the_venue_offers_are_accepted(venue: str, levels: int) -> None:
    assert make_plan(load({"venue": venue, "symbols": "X", "snapshot_levels": levels}, None))


def test_every_option_of_the_command_is_named_in_errors() -> None:
    parameters = {parameter.opts[0] for parameter in get_command(app).params}
    assert set(OPTIONS.values()) <= parameters
    assert set(OPTIONS) <= set(ForwardSettings.model_fields)


def test_endpoints_are_overridden_one_by_one() -> None:
    settings = load({"venue": "binance", "symbols": "BTCUSDT", "ws_url": "ws://127.0.0.1:1"}, None)
    assert make_plan(settings).endpoint == ("ws://127.0.0.1:1", "https://api.binance.com")


def test_the_test_network_is_the_venues_own() -> None:
    settings = load({"venue": "deribit", "symbols": "BTC-PERPETUAL", "testnet": True}, None)
    assert make_plan(settings).endpoint == ("wss://test.deribit.com", "https://test.deribit.com")
