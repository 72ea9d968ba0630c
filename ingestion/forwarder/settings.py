"""Configuration of a forwarder: flags, environment, `.env` and a YAML file, in that order of precedence."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, PositiveFloat, PositiveInt, ValidationError, field_validator
from pydantic_settings import BaseSettings, InitSettingsSource, NoDecode, PydanticBaseSettingsSource

from ingestion.producer import Compression
from market.errors import UserError
from market.settings import Settings

MEGABYTE = 1024 * 1024

Names = Annotated[tuple[str, ...], NoDecode]


class ConfigurationError(UserError):
    """A setting is wrong; the text names it."""


class ForwardSettings(Settings):
    """Everything a forwarder may be told. A YAML file uses these names as they stand, the environment in capitals."""

    venue: Literal["binance", "binance_usdm", "kraken", "deribit"]
    symbols: Names = Field((), description="as the venue writes them")
    channels: Names = Field((), description="of every symbol; the venue's usual ones if empty")
    chains: Names = Field((), description="currencies whose options are all followed (Deribit)")
    chain_channel: str = Field("ticker.100ms", description="of every option of a chain")
    chain_refresh_s: PositiveFloat = 300
    testnet: bool = False
    ws_url: str = Field("", pattern="^(wss?://.+)?$")
    rest_url: str = Field("", pattern="^(https?://.+)?$")

    metrics_addr: str = Field("127.0.0.1:2112", pattern=r"^(.*:\d+)?$", description="empty: none")
    fresh_within_s: PositiveFloat = Field(30, description="/ready wants a frame this young of every symbol")
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    silence_s: PositiveFloat | None = Field(None, description="the venue's own if not given")
    data_silence_s: PositiveFloat = 120
    reconnect_first_s: PositiveFloat = 0.5
    reconnect_most_s: PositiveFloat = 60
    lifetime_s: PositiveFloat | None = Field(None, description="the venue's own if not given")
    connection_streams: PositiveInt | None = Field(None, description="the venue's own if not given")
    frame_mb: PositiveFloat = Field(8, le=8, description="larger frames end the connection")
    ws_compression: bool = True
    snapshot_levels: int = Field(1000, ge=5, le=5000)

    producer_pool_size: int = Field(1, ge=1, le=32, description="producers; a key always goes to the same one")
    compression: Compression | Literal["none"] = "lz4"
    linger_ms: int = Field(5, ge=0)
    batch_bytes: PositiveInt = 256 * 1024
    window_mb: PositiveFloat = Field(16, description="sent and not acknowledged")
    queue_mb: PositiveFloat = Field(64, description="in memory, waiting")
    spill_mb: PositiveFloat = Field(1024, description="on disk, waiting")
    spill_dir: Path = Path(".depthflow/spill")
    drain_s: PositiveFloat = Field(30, description="after SIGTERM, for what was received before")

    @field_validator("symbols", "channels", "chains", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(name for name in (part.strip() for part in value.split(",")) if name)
        return value


def load(flags: Mapping[str, object], config: Path | None) -> ForwardSettings:
    """Settings from all sources; flags that are None were not given. Raises ConfigurationError."""
    listed = _read_yaml(config) if config else {}

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
            return init_settings, env_settings, dotenv_settings, InitSettingsSource(settings_cls, listed)

    given: dict[str, Any] = {name: value for name, value in flags.items() if value is not None}
    try:
        return Configured(**given)
    except ValidationError as error:
        raise ConfigurationError(explain(error)) from None


def explain(error: ValidationError) -> str:
    """The first offence: which setting, what was expected, what was given."""
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"][:1]).upper() or "configuration"
    given = "" if first["type"] == "missing" else f", got {first['input']!r}"
    return f"{key}: {first['msg'].removeprefix('Value error, ')}{given}"


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        listed = yaml.safe_load(path.read_text())
    except (OSError, UnicodeError, yaml.YAMLError) as error:
        raise ConfigurationError(f"cannot read {path}: {' '.join(str(error).split())}") from None
    if not isinstance(listed, dict):
        raise ConfigurationError(f"{path}: expected `name: value` lines, got {type(listed).__name__}")
    unknown = [name for name in listed if name not in ForwardSettings.model_fields]
    if unknown:
        raise ConfigurationError(f"{path}: {unknown[0]} is not a setting; those there are: depthflow forward --help")
    return listed
