"""A bare loop from Redis' channels to websockets, beside which the gateway is measured.

Run as a module with the URL of Redis and a port: a client names a channel in its first message.
"""

import sys
from collections import defaultdict

import uvloop
from redis.asyncio import Redis
from websockets.asyncio.server import ServerConnection, broadcast, serve

PATTERN = "orderbook:bench:*"


async def main(url: str, port: int) -> None:
    """Serve until the process is ended."""
    rooms: dict[str, set[ServerConnection]] = defaultdict(set)

    async def connected(client: ServerConnection) -> None:
        channel = str(await client.recv())
        rooms[channel].add(client)
        await client.send("subscribed")
        await client.wait_closed()
        rooms[channel].discard(client)

    async with serve(connected, "127.0.0.1", port, compression=None, ping_interval=None):
        async with Redis.from_url(url).pubsub() as channel:
            await channel.psubscribe(PATTERN)
            async for message in channel.listen():
                if message["type"] == "pmessage":
                    broadcast(rooms[message["channel"].decode()], message["data"].decode())


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], int(sys.argv[2])))
