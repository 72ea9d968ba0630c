"""The topics and what each promises about retention, compaction and record size."""

from dataclasses import dataclass

MAX_RECORD_BYTES = 16 * 1024 * 1024
DAY_MS = 24 * 3600 * 1000


@dataclass(frozen=True)
class Topic:
    """One topic. `retention_ms` is None for a compacted topic, which keeps the newest record of every key."""

    name: str
    retention_ms: int | None = 7 * DAY_MS
    broker_time: bool = False  # LogAppendTime: replays of old recordings would expire at once by their own stamps

    def config(self) -> dict[str, str]:
        """Topic configuration in the broker's own names."""
        config = {"max.message.bytes": str(MAX_RECORD_BYTES)}
        config |= (
            {"cleanup.policy": "compact"}
            if self.retention_ms is None
            else {"cleanup.policy": "delete", "retention.ms": str(self.retention_ms)}
        )
        return config | ({"message.timestamp.type": "LogAppendTime"} if self.broker_time else {})


RAW_BOOKS = Topic("orderbook.raw", broker_time=True)
RAW_TRADES = Topic("trades.raw", broker_time=True)
RAW_OPTIONS = Topic("options.raw", broker_time=True)
PROCESSED = Topic("orderbook.processed")
BOOKS = Topic("orderbook.books", retention_ms=None)
STATUS = Topic("orderbook.status")
RESYNC = Topic("orderbook.resync")
TRADES = Topic("trades")
WINDOWS = Topic("orderbook.windows")
ALERTS = Topic("orderbook.alerts")
RULES = Topic("alert.rules", retention_ms=None)
OPTION_CHAINS = Topic("options.chain")
OPTION_SURFACES = Topic("options.surface")
UNDERLYING_TICKS = Topic("underlying_ticks")
DEAD_LETTERS = Topic("deadletter")

TOPICS = (
    RAW_BOOKS,
    RAW_TRADES,
    RAW_OPTIONS,
    PROCESSED,
    BOOKS,
    STATUS,
    RESYNC,
    TRADES,
    WINDOWS,
    ALERTS,
    RULES,
    OPTION_CHAINS,
    OPTION_SURFACES,
    UNDERLYING_TICKS,
    DEAD_LETTERS,
)


def record_key(venue: str, symbol: str) -> str:
    """The key under which every record of one book travels, hence its partition and its order."""
    return f"{venue}:{symbol}"
