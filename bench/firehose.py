"""Simulated Binance that sends frames at full speed or at a fixed rate: the load of `bench forward`.

Frames are generated beforehand and written in blocks of bytes, so that the sender costs almost no processor time.
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
from simulator.frame_generator import Generator

SYMBOLS = 10
LEVELS = 20
DISTINCT = 2_000
BLOCK = 50  # frames written at a time
AHEAD_BYTES = 1024 * 1024


def wire_frames() -> tuple[list[str], list[bytes]]:
    """Symbols and their depth frames, encoded as WebSocket frames of a server."""
    envelopes = (each for each in Generator(plan("binance", SYMBOLS, LEVELS)) if each.channel.startswith("depth"))
    sample = list(islice(envelopes, DISTINCT))
    encoded = [
        Frame(Opcode.TEXT, bytes(each.frame)).serialize(mask=False) for each in sample if isinstance(each.frame, Raw)
    ]
    return sorted({each.symbol for each in sample}), encoded


async def send(socket: ServerConnection, frames: list[bytes], count: int, per_s: float) -> None:
    """Write `count` frames at `per_s` frames a second; 0 means full speed."""
    source, start, sent = cycle(frames), monotonic(), 0
    while sent < count:
        block = list(islice(source, min(BLOCK, count - sent)))
        socket.transport.write(b"".join(block))
        sent += len(block)
        ahead_s = sent / per_s - (monotonic() - start) if per_s else 0.0
        await asyncio.sleep(max(0.0, ahead_s))
        while socket.transport.get_write_buffer_size() > AHEAD_BYTES:  # noqa: ASYNC110 - the transport has no event for this
            await asyncio.sleep(0.001)


async def run(count: int, per_s: float) -> None:
    """Serve connections; each receives `count` frames after its subscription."""
    symbols, frames = wire_frames()
    info = msgspec.json.encode({"symbols": [{"symbol": symbol} for symbol in symbols]}).decode()

    def respond(connection: ServerConnection, request: Request) -> Response | None:
        if request.path.startswith("/stream"):
            return None
        return connection.respond(
            200, info if "exchangeInfo" in request.path else '{"lastUpdateId":1,"bids":[],"asks":[]}'
        )

    async def handle(socket: ServerConnection) -> None:
        request = msgspec.json.decode(await socket.recv(decode=False))
        await socket.send(f'{{"result":null,"id":{request["id"]}}}')
        await send(socket, frames, count, per_s)
        await socket.wait_closed()

    async with serve(handle, "127.0.0.1", 0, process_request=respond, compression=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        print(port, ",".join(symbols), flush=True)
        await server.wait_closed()


if __name__ == "__main__":
    asyncio.run(run(int(sys.argv[1]), float(sys.argv[2])))
