"""Follow one book in Redis: print its newest state at the start, then every update that the cache job publishes.

    python examples/subscribe_redis.py binance:BTCUSDT          # until Ctrl-C
    python examples/subscribe_redis.py binance:BTCUSDT 10       # ten updates

Key `orderbook:venue:SYMBOL:latest`: the newest metrics record with `bids` and `asks`. Channel `orderbook:venue:SYMBOL`:
one message per update with `bids`, `asks`, `last_update_id` and `timestamp` (epoch ms). SYMBOL is in upper case.

Environment: REDIS_URL (redis://localhost:6379/0). Needs: pip install redis, and the running cache job.
"""

import json
import os
import sys
from typing import Any

from redis import Redis


def show(levels: dict[str, Any]) -> None:
    bid, ask = (levels[side][0] if levels[side] else None for side in ("bids", "asks"))
    print("best bid", bid, "best ask", ask, flush=True)


def main() -> None:
    book = sys.argv[1] if len(sys.argv) > 1 else "binance:BTCUSDT"
    limit = int(sys.argv[2]) if len(sys.argv) > 2 else None
    redis = Redis.from_url(os.environ.get("REDIS_URL", "redis://localhost:6379/0"), decode_responses=True)
    with redis, redis.pubsub(ignore_subscribe_messages=True) as channel:
        # Subscribe before reading the key: the other way round, an update in between would be missed.
        channel.subscribe(f"orderbook:{book}")
        if latest := redis.get(f"orderbook:{book}:latest"):
            show(json.loads(latest))
        messages = (message for message in channel.listen() if message["type"] == "message")
        for number, message in enumerate(messages, start=1):
            show(json.loads(message["data"]))
            if number == limit:
                break


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
