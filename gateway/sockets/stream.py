"""The websocket of one client: frames go straight to its transport, and wait in its outbox while that is full."""

import socket
from collections.abc import Hashable
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from gateway.sockets.outbox import Outbox

EXTENSION = "depthflow.stream"  # in the scope's extensions
SEND_BUFFER_BYTES = 256 * 1024  # in the kernel: a reader is at most so much behind before newer values replace older


class Stream(WebSocketsSansIOProtocol):
    """Uvicorn's websocket with a second way to send: whole frames, without a task or a copy for each client.

    Frames of both ways never mix, because each is written at once. `conflated` and `dropped` count messages that the
    client did not get.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.outbox = Outbox()
        self.paused_since: float | None = None
        self.conflated = self.dropped = 0

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if self.handshake_initiated and not self.close_sent:
            extensions: Any = self.scope["extensions"]
            extensions[EXTENSION] = self

    def pause_writing(self) -> None:
        super().pause_writing()
        self.paused_since = self.loop.time()

    def resume_writing(self) -> None:
        super().resume_writing()
        self.paused_since = None
        while self.outbox and self.paused_since is None and self._is_open():
            self.transport.write(self.outbox.take())

    def send_latest(self, key: Hashable, frame: bytes) -> None:
        """Send the newest value of a key, or keep it in place of an older one until the client reads."""
        if self.paused_since is not None:
            self.conflated += self.outbox.put_latest(key, frame)
        elif self._is_open():
            self.transport.write(frame)

    def send_event(self, kind: str, frame: bytes) -> None:
        """Send an event, or queue it until the client reads."""
        if self.paused_since is not None:
            self.dropped += self.outbox.put_event(kind, frame)
        elif self._is_open():
            self.transport.write(frame)

    def stalled_s(self) -> float:
        """Seconds since the client stopped reading; 0 while it reads."""
        return 0.0 if self.paused_since is None else self.loop.time() - self.paused_since

    def abort(self) -> None:
        """End the connection without sending what waits."""
        self.transport.abort()

    def shutdown(self) -> None:
        """Close with status 1012, so that the client connects again. One that does not read is cut off."""
        if self.paused_since is not None:
            self.abort()
        else:
            super().shutdown()

    def _is_open(self) -> bool:
        return self.handshake_complete and not self.close_sent and not self.transport.is_closing()
