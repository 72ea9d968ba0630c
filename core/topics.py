"""Topics with their retention, compaction and record size."""

from dataclasses import dataclass

MAX_RECORD_BYTES = 16 * 1024 * 1024
DAY_MS = 24 * 3600 * 1000


@dataclass(frozen=True)
class Topic:
    """One topic. `retention_ms` is None for a compacted topic, which keeps the newest record of every key."""

    name: str
    retention_ms: int | None = 7 * DAY_MS
    broker_time: bool = False  # LogAppendTime: by their own times, replayed recordings would expire at once

    def config(self) -> dict[str, str]:
        """Topic configuration under the broker's names."""
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
RESYNC = Topic("orderbook.resync", broker_time=True)  # the broker's clock measures the age of a request
TRADES = Topic("trades")
TICKS = Topic("orderbook.ticks")
WINDOWS = Topic("orderbook.windows")
TRADE_BARS = Topic("trades.bars")
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
    TICKS,
    WINDOWS,
    TRADE_BARS,
    ALERTS,
    RULES,
    OPTION_CHAINS,
    OPTION_SURFACES,
    UNDERLYING_TICKS,
    DEAD_LETTERS,
)


def record_key(venue: str, symbol: str) -> str:
    """Return the key of all records of one book; records of one key share a partition and keep their order."""
    return f"{venue}:{symbol}"
