"""Settings of the local stack: its folder, its ports and its memory."""

from pydantic import Field

from core.settings import HomeSettings

LOOPBACK = "127.0.0.1"
RESPONDS_WITHIN_S = 10  # a part that has accepted a connection, on a machine with full cores

TRANSACTION_TIMEOUT_S = 30 * 60  # the local broker's limit, and that of the jobs on the local stack
ZOOKEEPER_HEAP = "64m"
MEMORY = r"^\d+[mg]$"


class StackSettings(HomeSettings):
    """Read from the environment and `.env`. Each port can be moved by the setting of its name."""

    kafka_port: int = Field(9092, ge=1, le=65535)
    kafka_controller_port: int = Field(9093, ge=1, le=65535)
    postgres_port: int = Field(5432, ge=1, le=65535)
    redis_port: int = Field(6379, ge=1, le=65535)
    flink_port: int = Field(8081, ge=1, le=65535, description="Flink UI and REST")
    flink_rpc_port: int = Field(6123, ge=1, le=65535)
    zookeeper_port: int = Field(2181, ge=1, le=65535, description="record of the running jobs")
    flink_gateway_port: int = Field(8083, ge=1, le=65535, description="Flink's SQL gateway, started by `up --gateway`")
    serve_port: int = Field(8000, ge=1, le=65535, description="REST of the gateway, started by `up --serve`")
    serve_socket_port: int = Field(8002, ge=1, le=65535, description="sockets of the gateway")
    dashboard_port: int = Field(8501, ge=1, le=65535, description="dashboard, started by `up --serve`")

    # Ports of `up --observe`
    flink_metrics_port: int = Field(9250, ge=1, le=65000, description="JobManager; TaskManagers have the next ones")
    kafka_metrics_port: int = Field(9404, ge=1, le=65535)
    prometheus_port: int = Field(9090, ge=1, le=65535)
    alertmanager_port: int = Field(9094, ge=1, le=65535, description="9093 is the controller of Kafka")
    postgres_exporter_port: int = Field(9187, ge=1, le=65535)
    redis_exporter_port: int = Field(9121, ge=1, le=65535)
    node_exporter_port: int = Field(9100, ge=1, le=65535)

    kafka_heap: str = Field("1g", pattern=MEMORY)
    flink_taskmanagers: int = Field(6, ge=1, le=32, description="one-slot TaskManagers, for five jobs and a query")
    flink_taskmanager_memory: str = Field("1200m", pattern=MEMORY)
    flink_jobmanager_memory: str = Field("1g", pattern=MEMORY)
    stack_start_timeout_s: float = Field(180, gt=0, description="time within which `up` expects each part to respond")

    def ports(self) -> dict[str, int]:
        """Port of every process that always runs, by the name of the setting that moves it."""
        return {
            "KAFKA_PORT": self.kafka_port,
            "KAFKA_CONTROLLER_PORT": self.kafka_controller_port,
            "POSTGRES_PORT": self.postgres_port,
            "REDIS_PORT": self.redis_port,
            "FLINK_PORT": self.flink_port,
            "FLINK_RPC_PORT": self.flink_rpc_port,
            "ZOOKEEPER_PORT": self.zookeeper_port,
        }

    def observed_ports(self) -> dict[str, int]:
        """Ports of `up --observe` by the names of their settings, without those of Flink."""
        names = ("kafka_metrics", "prometheus", "alertmanager", "postgres_exporter", "redis_exporter", "node_exporter")
        return {f"{name.upper()}_PORT": getattr(self, f"{name}_port") for name in names}

    @property
    def flink_metrics_ports(self) -> range:
        """Port of the metrics of the JobManager, then those of the TaskManagers."""
        return range(self.flink_metrics_port, self.flink_metrics_port + 1 + self.flink_taskmanagers)

    def memory_bytes(self) -> int:
        """Upper limit of the memory of all Java processes."""
        sizes = self.kafka_heap, ZOOKEEPER_HEAP, self.flink_jobmanager_memory
        return sum(map(_bytes, sizes)) + self.taskmanager_bytes * self.flink_taskmanagers

    @property
    def taskmanager_bytes(self) -> int:
        """Upper limit of the memory of the Java process of a TaskManager."""
        return _bytes(self.flink_taskmanager_memory)

    @property
    def builder_cache_mb(self) -> int:
        """Share of a TaskManager's memory for the jobs' cache of decoded books or chains: a fifth."""
        return max(1, self.taskmanager_bytes // 5 // 1024**2)

    @property
    def kafka_bootstrap(self) -> str:
        return f"{LOOPBACK}:{self.kafka_port}"

    @property
    def flink_url(self) -> str:
        return f"http://{LOOPBACK}:{self.flink_port}"

    @property
    def prometheus_url(self) -> str:
        return f"http://{LOOPBACK}:{self.prometheus_port}"

    @property
    def alertmanager_url(self) -> str:
        return f"http://{LOOPBACK}:{self.alertmanager_port}"

    @property
    def gateway_port(self) -> dict[str, int]:
        """Port of the SQL gateway, which runs on request, by the name of its setting."""
        return {"FLINK_GATEWAY_PORT": self.flink_gateway_port}

    @property
    def gateway_url(self) -> str:
        return f"http://{LOOPBACK}:{self.flink_gateway_port}"

    @property
    def serve_ports(self) -> dict[str, int]:
        """Ports of the gateway, which runs on request, by the names of their settings."""
        return {"SERVE_PORT": self.serve_port, "SERVE_SOCKET_PORT": self.serve_socket_port}

    @property
    def serve_url(self) -> str:
        return f"http://{LOOPBACK}:{self.serve_port}"

    @property
    def dashboard_url(self) -> str:
        return f"http://{LOOPBACK}:{self.dashboard_port}"

    @property
    def taskmanagers(self) -> list[str]:
        """Names of the TaskManagers: process names and Flink resource ids."""
        return [f"taskmanager-{number}" for number in range(1, self.flink_taskmanagers + 1)]


def _bytes(size: str) -> int:
    return int(size[:-1]) * 1024 ** (3 if size.endswith("g") else 2)
