"""Settings shared by forwarders and jobs: read once from the environment and `.env`, frozen."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

# Of imbalance and of depth lost, as a threshold: of readings below nine tenths of it the alerts are told one in five
# seconds (sql/views/telling_readings.sql).
LEAST_SHARE = 0.25


class Settings(BaseSettings):
    """Everything the environment may say. Nothing else in the project reads it."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True)

    kafka_bootstrap_servers: str = "localhost:9092"
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "PLAIN"
    kafka_sasl_username: str = ""
    kafka_sasl_password: SecretStr = SecretStr("")
    kafka_ssl_ca: Path | None = Field(None, description="PEM file of trusted authorities; the system's if not given")
    kafka_ssl_certificate: Path | None = Field(None, description="PEM file: our certificate and its private key")
    topic_prefix: str = Field("", pattern=r"^[a-zA-Z0-9._-]*$", description="put before every topic and group name")
    topic_partitions: int = Field(4, ge=1)
    calculate_depth: int = Field(10, ge=1, description="levels a metric sums over")
    depth_levels: int = Field(20, ge=1, description="levels published on orderbook.books")
    batch_window_ms: int = Field(50, ge=1, le=1000, description="how long frames of a key are gathered before one call")
    stale_after_s: float = Field(30, gt=0, description="silence after which a book is said to be stale")
    delivery_guarantee: Literal["exactly-once", "at-least-once"] = "exactly-once"
    alert_threshold_medium: float = Field(0.50, ge=LEAST_SHARE, le=1, description="imbalance of a medium alert")
    alert_threshold_high: float = Field(0.70, ge=LEAST_SHARE, le=1, description="imbalance of a high alert")
    alert_held_ms: int = Field(1000, ge=0, description="how long an imbalance must be extreme")
    spread_alert_multiplier: float = Field(2.0, gt=1, description="spread over its rolling median; twice that is high")
    liquidity_alert_share: float = Field(
        0.5, ge=LEAST_SHARE, lt=1, description="share of both sides' depth lost against five seconds"
    )
    ofi_alert_z: float = Field(
        4.0, gt=0, description="order flow of a second in standard deviations; twice that is high"
    )
    sweep_alert_levels: int = Field(4, ge=2, description="levels taken at once; twice that is high")
    wall_alert_multiple: float = Field(3.0, ge=2, description="a wall over the depth without it; twice that is high")
    pcr_alert_times: float = Field(2.0, gt=1, description="puts over calls, or calls over puts; twice that is high")
    pcr_alert_crossing: float = Field(0.05, gt=0, description="past 1, from the other side within an hour")
    max_pain_alert_percent: float = Field(2.0, gt=0, description="of the forward within an hour; twice that is high")
    iv_alert_z: float = Field(4.0, gt=0, description="volatility at the money in standard deviations; twice is high")
    skew_alert_points: float = Field(0.5, gt=0, description="risk reversal of a new sign, in points of volatility")
    interest_alert_share: float = Field(0.05, gt=0, lt=1, description="open interest of an option over its expiry's")
    straddle_alert_share: float = Field(0.10, gt=0, description="change of a straddle within a minute; twice is high")
    expected_move_alert_times: float = Field(3.0, gt=0, description="moves that the straddle expected; twice is high")
    alerts_isolation: Literal["read_committed", "read_uncommitted"] = Field(
        "read_committed", description="read_uncommitted: alerts without the wait for a commit, repeated after a failure"
    )
    idle_partition_s: float = Field(
        30,
        gt=0,
        description="silence after which a partition of processed records holds no window back: longer than recovery, "
        "since the rows of a partition that was only slow would be late",
    )
    idle_trades_s: float = Field(
        30,
        gt=0,
        description="the same of a partition of trades: until then one that falls silent holds back all alerts, too; "
        "less where quiet symbols must not make them wait, but sweeps after a recovery may then be late",
    )
    database_batch_rows: int = Field(2000, ge=1, description="rows a table's writer gathers before it sends them")
    database_flush_ms: int = Field(500, ge=1, description="how long it waits for them at most")
    flink_home: Path = Path(".depthflow/flink")
    flink_rest_url: str = "http://localhost:8081"
    flink_state_url: str = Field("", description="where jobs keep checkpoints and savepoints; a folder a job below it")
    postgres_dsn: SecretStr = SecretStr("")
    redis_url: SecretStr = SecretStr("")
    cache_default_venue: str = Field("binance", description="whose books and trades are also cached without the venue")
    cache_patience_s: float = Field(120, gt=0, description="how long a flush waits for Redis before the job restarts")

    def environment(self) -> dict[str, str]:
        """The environment that says the same, for a program started from here."""
        plain = {name: value.get_secret_value() if isinstance(value, SecretStr) else value for name, value in self}
        return {name.upper(): str(value) for name, value in plain.items() if value is not None}
