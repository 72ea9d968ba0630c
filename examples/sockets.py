"""Follow the option chains of an underlying over a live socket: put-call ratio, straddle, number of options.

    python examples/sockets.py BTC          # until Ctrl-C
    python examples/sockets.py BTC 10       # ten updates

The newest values come first, then what changes. A chain that is out of sync with its exchange may send no update, so
its `status` is printed as well.
The client connects again by itself; `connect` subscribes again then.

Environment: GATEWAY_USER, GATEWAY_PASSWORD, API_URL (http://127.0.0.1:8000), SOCKET_URL (http://127.0.0.1:8002). Needs:
pip install requests "python-socketio[asyncio_client]", and `depthflow serve`.
"""

import asyncio
import os
import sys
from typing import Any

import requests
import socketio

API_URL = os.environ.get("API_URL", "http://127.0.0.1:8000")
SOCKET_URL = os.environ.get("SOCKET_URL", "http://127.0.0.1:8002")


def log_in() -> str:
    """An access token."""
    account = {"username": os.environ["GATEWAY_USER"], "password": os.environ["GATEWAY_PASSWORD"]}
    answer = requests.post(f"{API_URL}/api/auth/login", json=account, timeout=10)
    answer.raise_for_status()
    return str(answer.json()["token"])


async def follow(product: str, limit: int | None) -> None:
    client, updates, done = socketio.AsyncClient(), 0, asyncio.Event()

    @client.event
    async def connect() -> None:
        await client.emit("subscribe", {"type": "chain", "symbol": product})

    @client.event
    async def status(status: dict[str, Any]) -> None:
        if status.get("symbol") == product:
            print(product, "state", status["state"], status["reason"], flush=True)

    @client.event
    async def chain_summary(summary: dict[str, Any]) -> None:
        ratio, straddle = summary["pcr_oi"], summary["atm_straddle_price"]
        print(summary["product"], summary["expiry"], "put-call ratio", ratio, "straddle", straddle, flush=True)

    @client.event
    async def chain_update(chain: dict[str, Any]) -> None:
        nonlocal updates
        updates += 1
        trust = "" if chain["trusted"] else "(out of sync)"
        print(
            chain["product"],
            chain["expiry"],
            len(chain["calls"]),
            "calls",
            len(chain["puts"]),
            "puts",
            trust,
            flush=True,
        )
        if updates == limit:
            done.set()

    # A function, so that each connection has a token that has not expired.
    await client.connect(SOCKET_URL, auth=lambda: {"token": log_in()}, transports=["websocket"])
    try:
        await done.wait()
    finally:
        await client.disconnect()


if __name__ == "__main__":
    try:
        asyncio.run(
            follow(sys.argv[1] if len(sys.argv) > 1 else "BTC", int(sys.argv[2]) if len(sys.argv) > 2 else None)
        )
    except KeyboardInterrupt:
        pass
