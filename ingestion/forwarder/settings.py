"""Configuration of a forwarder: flags, environment, `.env`, a YAML file and the local stack, first wins."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, PositiveFloat, PositiveInt, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, InitSettingsSource, NoDecode, PydanticBaseSettingsSource

from core.errors import UsageError
from core.settings import LocalStackSource, Settings
from ingestion.producer import BATCH_BYTES, Compression
from venues.registry import VENUES

MEGABYTE = 1024 * 1024

Names = Annotated[tuple[str, ...], NoDecode]


OPTIONS = {  # option of each setting that has one
    "venue": "--venue",
    "symbols": "--symbols",
    "channels": "--channels",
    "chains": "--chains",
    "testnet": "--testnet",
    "ws_url": "--ws-url",
    "rest_url": "--rest-url",
    "kafka_bootstrap_servers": "--bootstrap-servers",
    "producer_pool_size": "--producer-pool-size",
    "metrics_addr": "--metrics-addr",
    "spill_dir": "--spill-dir",
    "log_level": "--log-level",
}
MAX_PORT = 65535
MISSING = {"venue": f"expected one of {', '.join(VENUES)}"}


class ConfigurationError(UsageError):
    """A setting is missing or invalid; the text names it, with its option."""


def setting_name(field: str) -> str:
    """`--venue (VENUE)` for the field `venue`; `QUEUE_MB` for one without an option."""
    return f"{OPTIONS[field]} ({field.upper()})" if field in OPTIONS else field.upper()


class ForwardSettings(Settings):
    """All settings of a forwarder. A YAML file uses these names as they are, the environment in capitals."""

    venue: str
    symbols: Names = Field((), description="as the venue writes them, comma-separated")
    channels: Names = Field((), description="channels of every symbol; the venue's usual ones if empty")
    chains: Names = Field((), description="currencies whose whole option chains are subscribed")
    chain_channel: str = Field("ticker.100ms", description="channel of every option of a chain")
    chain_refresh_s: PositiveFloat = 300
    testnet: bool = False
    ws_url: str = ""
    rest_url: str = ""

    metrics_addr: str = Field("127.0.0.1:2112", description="host:port; empty: no server")
    fresh_within_s: PositiveFloat = Field(30, description="/ready requires a frame of every book not older than this")

    silence_s: PositiveFloat | None = Field(None, description="the venue's default if not given")
    data_silence_s: PositiveFloat = 120
    book_silence_s: PositiveFloat | None = Field(
        None,
        description="time without a frame after which one book is subscribed again; the venue's default if not given",
    )
    reconnect_first_s: PositiveFloat = 0.5
    reconnect_most_s: PositiveFloat = 60
    lifetime_s: PositiveFloat | None = Field(None, description="the venue's default if not given")
    connection_streams: PositiveInt | None = Field(None, description="the venue's default if not given")
    frame_mb: PositiveFloat = Field(8, le=8, description="maximum frame size; a larger frame ends the connection")
    ws_compression: bool = True
    snapshot_levels: PositiveInt = Field(
        1000, description="levels per side of a REST snapshot, as the venue offers them"
    )

    producer_pool_size: int = Field(1, ge=1, le=32, description="number of producers; a key always uses the same one")
    compression: Compression | Literal["none"] = "lz4"
    linger_ms: int = Field(5, ge=0)
    batch_bytes: PositiveInt = BATCH_BYTES
    window_mb: PositiveFloat = Field(16, description="maximum sent to the broker and not acknowledged")
    queue_mb: PositiveFloat = Field(64, description="maximum waiting in memory")
    spill_mb: PositiveFloat = Field(1024, description="maximum waiting on disk")
    spill_dir: Path = Path(".depthflow/spill")
    drain_s: PositiveFloat = Field(
        25, description="time after SIGTERM to send the received frames; below the 30 s after which supervisors kill"
    )

    @field_validator("venue")
    @classmethod
    def _check_venue(cls, value: str) -> str:
        if value not in VENUES:
            raise ValueError(f"expected one of {', '.join(VENUES)}")
        return value

    @field_validator("ws_url", "rest_url")
    @classmethod
    def _check_url(cls, value: str, info: ValidationInfo) -> str:
        schemes = ("ws://", "wss://") if info.field_name == "ws_url" else ("http://", "https://")
        if value and not (value.startswith(schemes) and value.partition("://")[2]):
            raise ValueError(f"expected an address that begins with {' or '.join(schemes)}")
        return value

    @field_validator("metrics_addr")
    @classmethod
    def _check_metrics_addr(cls, value: str) -> str:
        _, colon, port = value.rpartition(":")
        if value and not (colon and port.isascii() and port.isdigit() and int(port) <= MAX_PORT):
            raise ValueError("expected host:port, such as 127.0.0.1:2112, or an empty text for no server")
        return value

    @field_validator("symbols", "channels", "chains", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(name for name in (part.strip() for part in value.split(",")) if name)
        return value


def load(flags: Mapping[str, object], config: Path | None) -> ForwardSettings:
    """Settings from all sources. Flags that are None are ignored. Raises ConfigurationError."""
    values = _read_yaml(config) if config else {}

    class Configured(ForwardSettings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            file = InitSettingsSource(settings_cls, values)
            return init_settings, env_settings, dotenv_settings, file, LocalStackSource(settings_cls)

    given: dict[str, Any] = {name: value for name, value in flags.items() if value is not None}
    try:
        return Configured(**given)
    except ValidationError as error:
        raise ConfigurationError(error_message(error)) from None


def error_message(error: ValidationError) -> str:
    """Text of the first error: option and setting, expected value, given value."""
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"][:1])
    name = setting_name(field) if field else "configuration"
    if first["type"] == "missing":
        return f"{name}: missing; {MISSING.get(field, 'expected a value')}"
    expected = first["msg"].removeprefix("Value error, ").replace("Input should be", "expected")
    return f"{name}: {expected}, got {first['input']!r}"


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(path.read_text())
    except (OSError, UnicodeError, yaml.YAMLError) as error:
        raise ConfigurationError(f"cannot read {path}: {' '.join(str(error).split())}") from None
    if not isinstance(values, dict):
        raise ConfigurationError(f"{path}: expected `name: value` lines, got {type(values).__name__}")
    unknown = [name for name in values if name not in ForwardSettings.model_fields]
    if unknown:
        raise ConfigurationError(f"{path}: {unknown[0]} is not a setting; expected one of those in docs/forwarders.md")
    return values
