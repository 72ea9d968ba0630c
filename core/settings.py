"""Settings shared by forwarders, jobs and readers. A command constructs them once and passes them down.

Sources, first wins: arguments, the environment, `.env`, the addresses that the local stack recorded.
"""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from core.resources import DEFAULT_HOME

STACK_FILE = "credentials.env"  # in the stack's folder, written by `depthflow up`

# Smallest threshold allowed for an imbalance or a share of depth lost: below it every book is always in alert.
MIN_SHARE_THRESHOLD = 0.25


class LocalStackSource(DotEnvSettingsSource):
    """The file in which the local stack records its addresses and passwords; empty before the first `depthflow up`.

    The sources before this one decide in which folder the file lies (`depthflow_home`).
    """

    def __call__(self) -> dict[str, Any]:
        home = Path(self.current_state.get("depthflow_home", DEFAULT_HOME))
        return DotEnvSettingsSource(self.settings_cls, env_file=home / STACK_FILE)()


class HomeSettings(BaseSettings):
    """The folder of the local stack, and the sources of settings."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True)

    depthflow_home: Path = Field(DEFAULT_HOME, description="folder of the local stack: data, logs and pids")
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "console"] = Field("json", description="console: lines for people, with colours")

    @property
    def home(self) -> Path:
        """The stack's folder, absolute."""
        return self.depthflow_home.absolute()


class Settings(HomeSettings):
    """Addresses, credentials and parameters of the pipeline."""

    kafka_bootstrap_servers: str = "localhost:9092"
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "PLAIN"
    kafka_sasl_username: str = ""
    kafka_sasl_password: SecretStr = SecretStr("")
    kafka_ssl_ca: Path | None = Field(None, description="PEM file of trusted authorities; default: those of the system")
    kafka_ssl_certificate: Path | None = Field(
        None, description="PEM file with the client certificate and its private key"
    )
    topic_prefix: str = Field(
        "", pattern=r"^[a-zA-Z0-9._-]*$", description="prefix of every topic and consumer group name"
    )
    topic_partitions: int = Field(4, ge=1, description="partitions of a new topic")
    calculate_depth: int = Field(10, ge=1, description="levels per side that metrics sum over")
    depth_levels: int = Field(20, ge=1, description="levels per side published on orderbook.books")
    batch_window_ms: int = Field(
        20, ge=1, le=1000, description="time for which frames of a key are collected into one batch"
    )
    stale_after_s: float = Field(30, gt=0, description="time without an applied update after which a book is stale")
    transaction_timeout_s: int = Field(
        900,
        ge=60,
        description="longest outage of a job after which its last output can still be committed; at most the broker's "
        "transaction.max.timeout.ms",
    )
    run_id: str = Field(
        "",
        pattern=r"^[a-z0-9]*$",
        description="part of the transactional ids of one submission, set by depthflow submit",
    )
    delivery_guarantee: Literal["exactly-once", "at-least-once"] = "exactly-once"
    alert_threshold_medium: float = Field(
        0.50, ge=MIN_SHARE_THRESHOLD, le=1, description="absolute imbalance of a medium alert"
    )
    alert_threshold_high: float = Field(
        0.70, ge=MIN_SHARE_THRESHOLD, le=1, description="absolute imbalance of a high alert"
    )
    alert_held_ms: int = Field(10_000, ge=0, le=3_600_000, description="time for which an imbalance must stay extreme")
    spread_alert_multiplier: float = Field(2.0, gt=1, description="spread over its rolling median; high: twice that")
    liquidity_alert_share: float = Field(
        0.5, ge=MIN_SHARE_THRESHOLD, lt=1, description="share of both sides' depth lost within five seconds"
    )
    ofi_alert_z: float = Field(
        6.0, gt=0, description="order flow of one second in standard deviations; high: twice that"
    )
    sweep_alert_levels: int = Field(6, ge=2, description="price levels traded at once; high: twice that")
    wall_alert_multiple: float = Field(
        4.0, ge=2, description="depth with a wall over depth without it; high: twice that"
    )
    pcr_alert_times: float = Field(
        2.0, gt=1, description="open interest of puts over calls, or calls over puts; high: twice that"
    )
    pcr_alert_crossing: float = Field(
        0.05, gt=0, description="distance past 1 of a put-call ratio that was on the other side within an hour"
    )
    max_pain_alert_percent: float = Field(
        2.0, gt=0, description="shift within an hour in percent of the forward; high: twice that"
    )
    iv_alert_z: float = Field(4.0, gt=0, description="at-the-money volatility in standard deviations; high: twice that")
    skew_alert_points: float = Field(
        0.5, gt=0, description="risk reversal after a change of sign, in volatility points"
    )
    interest_alert_share: float = Field(
        0.05, gt=0, lt=1, description="change of an option's open interest over that of its expiry"
    )
    straddle_alert_share: float = Field(
        0.10, gt=0, description="relative change of a straddle within a minute; high: twice that"
    )
    expected_move_alert_times: float = Field(
        3.0, gt=0, description="move over the move that the straddle expected; high: twice that"
    )
    alerts_isolation: Literal["read_committed", "read_uncommitted"] = Field(
        "read_uncommitted",
        description="isolation of the alerts job's input; read_committed: alerts wait for the commits of the books job",
    )
    builder_cache_mb: int = Field(
        256,
        ge=1,
        description="memory of Python for decoded books or chains in each slot of the jobs books and options; others "
        "are decoded again from Flink's state when they are needed. It lies outside of the JVM's heap",
    )
    database_batch_rows: int = Field(
        2000, ge=1, description="rows that the writer of a table collects before it sends them"
    )
    database_flush_ms: int = Field(500, ge=1, description="longest time for which the writer of a table collects rows")
    java_home: str | None = Field(None, description="Java home for Flink's clients; default: the Java on the PATH")
    flink_home: Path = Path(".depthflow/flink")
    flink_rest_url: str = "http://localhost:8081"
    flink_state_url: str = Field("", description="folder of checkpoints and savepoints, with a subfolder for each job")
    postgres_dsn: SecretStr = SecretStr("")
    redis_url: SecretStr = SecretStr("")
    cache_default_venue: str = Field(
        "binance", description="venue whose books and trades are also cached under names without the venue"
    )
    cache_patience_s: float = Field(
        120, gt=0, description="longest time for which a flush waits for Redis before the job restarts"
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, environment, `.env`, local stack."""
        return init_settings, env_settings, dotenv_settings, LocalStackSource(settings_cls)

    def environment(self) -> dict[str, str]:
        """Environment variables that give a child process the same settings."""
        plain = {name: value.get_secret_value() if isinstance(value, SecretStr) else value for name, value in self}
        return {name.upper(): str(value) for name, value in plain.items() if value is not None}
