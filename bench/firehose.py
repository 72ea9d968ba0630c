"""A Binance that sends frames as fast as the socket takes them, or so many a second: the load of `bench forward`.

Frames are made beforehand, and leave as one block of bytes, so that the sender costs next to nothing.
"""

import asyncio
import sys
from itertools import cycle, islice
from time import monotonic

import msgspec
from msgspec import Raw
from websockets.asyncio.server import ServerConnection, serve
from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response

from bench.load import plan
from ingestion.generator import Generator

SYMBOLS = 10
LEVELS = 20
DISTINCT = 2_000
BLOCK = 50  # frames written at a time
AHEAD_BYTES = 1024 * 1024


def wire_frames() -> tuple[list[str], list[bytes]]:
    """The symbols, and depth frames of theirs as a server puts them on the wire."""
    envelopes = (each for each in Generator(plan("binance", SYMBOLS, LEVELS)) if each.channel.startswith("depth"))
    taken = list(islice(envelopes, DISTINCT))
    wired = [
        Frame(Opcode.TEXT, bytes(each.frame)).serialize(mask=False) for each in taken if isinstance(each.frame, Raw)
    ]
    return sorted({each.symbol for each in taken}), wired


async def send(socket: ServerConnection, frames: list[bytes], count: int, per_s: float) -> None:
    """Write `count` frames, at once or paced."""
    source, start, sent = cycle(frames), monotonic(), 0
    while sent < count:
        block = list(islice(source, min(BLOCK, count - sent)))
        socket.transport.write(b"".join(block))
        sent += len(block)
        behind = sent / per_s - (monotonic() - start) if per_s else 0.0
        await asyncio.sleep(max(0.0, behind))
        while socket.transport.get_write_buffer_size() > AHEAD_BYTES:  # noqa: ASYNC110 - the transport signals nobody
            await asyncio.sleep(0.001)


async def run(count: int, per_s: float) -> None:
    """Serve one connection after another; each is sent `count` frames once it subscribed."""
    symbols, frames = wire_frames()
    info = msgspec.json.encode({"symbols": [{"symbol": symbol} for symbol in symbols]}).decode()

    def answer(connection: ServerConnection, request: Request) -> Response | None:
        if request.path.startswith("/stream"):
            return None
        return connection.respond(
            200, info if "exchangeInfo" in request.path else '{"lastUpdateId":1,"bids":[],"asks":[]}'
        )

    async def converse(socket: ServerConnection) -> None:
        request = msgspec.json.decode(await socket.recv(decode=False))
        await socket.send(f'{{"result":null,"id":{request["id"]}}}')
        await send(socket, frames, count, per_s)
        await socket.wait_closed()

    async with serve(converse, "127.0.0.1", 0, process_request=answer, compression=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        print(port, ",".join(symbols), flush=True)
        await server.wait_closed()


if __name__ == "__main__":
    asyncio.run(run(int(sys.argv[1]), float(sys.argv[2])))
