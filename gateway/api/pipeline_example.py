"""Example of the answer about the pipeline."""

from typing import Any

from gateway.api.examples import NOW, VENUE

VENUE_WORK = {
    "venue": VENUE,
    "frames_per_s": 40.2,
    "applied_per_s": 39.8,
    "prompt_share": 0.9991,
    "lag_ms": 38.0,
    "gaps": 1,
    "stale": 0,
    "dead_letters": 0,
    "books": 4,
    "out_of_sync": 0,
}
JOB = {
    "name": "books",
    "state": "RUNNING",
    "reasons": [],
    "uptime_ms": 3_600_000,
    "restarts": 0,
    "records_per_s": 40.2,
    "records_behind": 0,
    "checkpoint_age_ms": 812,
    "checkpoint_duration_ms": 61,
    "checkpoint_bytes": 184_320,
    "checkpoints_failed": 0,
    "busy_share": 0.04,
    "blocked_share": 0.0,
    "venues": [VENUE_WORK],
    "dead_letters": 0,
}
FORWARDER = {
    "kind": "forwarder",
    "address": "127.0.0.1:2112",
    "venue": VENUE,
    "up": True,
    "reasons": [],
    "records_per_s": 41.0,
    "latency_p50_ms": 0.31,
    "latency_p99_ms": 0.92,
    "newest_age_ms": 84.0,
    "gaps": 1,
    "lost": 0,
    "queued": 0,
    "connections": 1,
    "connections_wanted": 1,
}
GONE = {"kind": "notify", "address": "127.0.0.1:2120", "venue": None, "up": False, "reasons": ["Connection refused"]}
PIPELINE: dict[str, Any] = {
    "time": NOW,
    "totals": {
        "frames_per_s": 40.2,
        "lag_ms": 38.0,
        "checkpoint_age_ms": 812,
        "books": 4,
        "out_of_sync": 0,
        "gaps": 1,
        "dead_letters": 0,
        "forwarders": 1,
        "forwarders_up": 1,
    },
    "jobs": [JOB],
    "processes": [FORWARDER, GONE],
    "sources": [
        {"name": "flink", "address": "127.0.0.1:8081", "answers": True, "cause": None},
        {"name": "forwarder", "address": "127.0.0.1:2112", "answers": True, "cause": None},
        {"name": "notify", "address": "127.0.0.1:2120", "answers": False, "cause": "Connection refused"},
    ],
    "away": ["notify at 127.0.0.1:2120 is unavailable: Connection refused"],
}
