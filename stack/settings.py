"""Settings of the embedded stack: where it lives, which ports it takes, how much memory it may use."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent
LOOPBACK = "127.0.0.1"

MEMORY = r"^\d+[mg]$"


class StackSettings(BaseSettings):
    """Read once from the environment and `.env`. Every port can be moved by the setting of its name."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True)

    depthflow_home: Path = Field(ROOT / ".depthflow", description="data, logs and pids")

    kafka_port: int = Field(9092, ge=1, le=65535)
    kafka_controller_port: int = Field(9093, ge=1, le=65535)
    postgres_port: int = Field(5432, ge=1, le=65535)
    redis_port: int = Field(6379, ge=1, le=65535)
    flink_port: int = Field(8081, ge=1, le=65535, description="Flink UI and REST")
    flink_rpc_port: int = Field(6123, ge=1, le=65535)
    flink_gateway_port: int = Field(8083, ge=1, le=65535, description="Flink's SQL gateway, where `up --gateway` asks")

    kafka_heap: str = Field("1g", pattern=MEMORY)
    flink_taskmanagers: int = Field(5, ge=1, le=32, description="one-slot TaskManagers: four jobs, and a query")
    flink_taskmanager_memory: str = Field("1200m", pattern=MEMORY)
    flink_jobmanager_memory: str = Field("1g", pattern=MEMORY)
    stack_start_timeout_s: float = Field(180, gt=0, description="how long `up` waits for one part to answer")

    @property
    def home(self) -> Path:
        """The stack's folder, absolute."""
        return self.depthflow_home.absolute()

    def ports(self) -> dict[str, int]:
        """Port by the name of the setting that moves it, of what always runs."""
        return {
            "KAFKA_PORT": self.kafka_port,
            "KAFKA_CONTROLLER_PORT": self.kafka_controller_port,
            "POSTGRES_PORT": self.postgres_port,
            "REDIS_PORT": self.redis_port,
            "FLINK_PORT": self.flink_port,
            "FLINK_RPC_PORT": self.flink_rpc_port,
        }

    def memory_bytes(self) -> int:
        """What the Java processes may grow to."""
        sizes = [
            self.kafka_heap,
            self.flink_jobmanager_memory,
            *[self.flink_taskmanager_memory] * self.flink_taskmanagers,
        ]
        return sum(int(size[:-1]) * 1024 ** (3 if size.endswith("g") else 2) for size in sizes)

    @property
    def kafka_bootstrap(self) -> str:
        return f"{LOOPBACK}:{self.kafka_port}"

    @property
    def flink_url(self) -> str:
        return f"http://{LOOPBACK}:{self.flink_port}"

    @property
    def gateway_port(self) -> dict[str, int]:
        """That of the SQL gateway, which runs when it is asked for, likewise."""
        return {"FLINK_GATEWAY_PORT": self.flink_gateway_port}

    @property
    def gateway_url(self) -> str:
        return f"http://{LOOPBACK}:{self.flink_gateway_port}"

    @property
    def taskmanagers(self) -> list[str]:
        """Names of the TaskManagers, which are their process names and their Flink resource ids."""
        return [f"taskmanager-{number}" for number in range(1, self.flink_taskmanagers + 1)]
