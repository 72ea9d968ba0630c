"""The Socket.IO server: handshake with a token, subscriptions, and the end of slow or expired clients."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import socketio
import structlog
from limits import parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import FixedWindowRateLimiter
from socketio.exceptions import ConnectionRefusedError as Refused
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.accounts.roles import ANONYMOUS, Account
from gateway.accounts.tokens import TokenError
from gateway.context import Gateway
from gateway.problems import Problem
from gateway.sockets.frames import frame_of
from gateway.sockets.hub import Hub
from gateway.sockets.rooms import GENERAL, RoomError, RoomName, parse_room
from gateway.sockets.stream import EXTENSION, Stream

PING_S = 10
MAX_MESSAGE_BYTES = 16 * 1024  # from a client
MAX_ROOMS = 500  # of one client
REQUESTS = parse("1000/minute")  # of one client: it may join and leave all of its rooms
SWEEP_S = 1
LONGEST_S = 86_400  # of a connection, with AUTH=off

log = structlog.get_logger("gateway")


@dataclass
class Client:
    """One connection: its stream, account and rooms. `changing`: held while it joins or leaves one."""

    sid: str
    stream: Stream
    account: Account
    ends: float  # epoch seconds
    rooms: set[RoomName] = field(default_factory=set)
    changing: asyncio.Lock = field(default_factory=asyncio.Lock)
    counted: tuple[int, int] = (0, 0)  # conflated and dropped messages that are in the metrics


Request = Callable[[Client, Any], Awaitable[dict[str, Any]]]


class SocketServer:
    """Clients of one process. `app` is an ASGI application for the path /socket.io/."""

    def __init__(self, gateway: Gateway, hub: Hub, origins: list[str]) -> None:
        self._gateway, self._hub = gateway, hub
        self.sio = socketio.AsyncServer(
            async_mode="asgi",
            transports=["websocket"],
            ping_interval=PING_S,
            ping_timeout=PING_S,
            max_http_buffer_size=MAX_MESSAGE_BYTES,
            cors_allowed_origins=origins,
            logger=False,
            engineio_logger=False,
        )
        self._clients: dict[str, Client] = {}
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._unknown: dict[Stream | None, float] = {}  # sockets without an account, by the time of their opening
        self.sio.on("connect", self._connect)
        self.sio.on("disconnect", self._disconnect)
        self.sio.on("subscribe", self._limited(self._subscribe))
        self.sio.on("unsubscribe", self._limited(self._unsubscribe))
        self.sio.on("get_products", self._limited(self._get_products))

    def app(self, other: Any = None) -> ASGIApp:
        """The ASGI application; `other` serves all other paths."""
        inner = socketio.ASGIApp(self.sio, other)

        async def watched(scope: Scope, receive: Receive, send: Send) -> None:
            stream = scope.get("extensions", {}).get(EXTENSION)
            if stream is not None:
                self._unknown[stream] = self._gateway.clock()
            try:
                await inner(scope, receive, send)
            finally:
                self._unknown.pop(stream, None)

        return watched

    async def sweep(self) -> None:
        """Every second, close clients that stopped reading, whose token has expired, or that send none."""
        patience_s = self._gateway.settings.socket_stall_s
        while True:
            await asyncio.sleep(SWEEP_S)
            now = self._gateway.clock()
            for stream in [each for each, since in self._unknown.items() if each and now - since > patience_s]:
                stream.abort()
            for client in list(self._clients.values()):
                self._count(client)
                if client.stream.stalled_s() > patience_s:
                    self._gateway.metrics.stalled.inc()
                    log.info("socket stalled", sid=client.sid)
                    client.stream.abort()
                elif now >= client.ends:
                    await self._end(client)

    async def _connect(self, sid: str, environ: dict[str, Any], auth: Any = None) -> None:
        stream = environ["asgi.scope"].get("extensions", {}).get(EXTENSION)
        if stream is None:
            raise Refused("expected the transport websocket")
        account = self._authenticate(auth)
        address = (environ["asgi.scope"].get("client") or ("unknown",))[0]
        try:
            await self._gateway.limiter.check(address if account is ANONYMOUS else account.id)
        except Problem as problem:
            raise Refused(problem.detail) from None
        ends = min(account.expires, self._gateway.clock() + LONGEST_S)
        self._unknown.pop(stream, None)
        client = self._clients[sid] = Client(sid, stream, account, ends)
        self._gateway.metrics.clients.set(len(self._clients))
        self.sio.start_background_task(self._welcome, client)

    async def _welcome(self, client: Client) -> None:
        """Send `connected` behind the packet that ends the handshake, and join `general`."""
        await self._flushed(client)
        user = {"username": client.account.username, "role": client.account.role}
        document = {"sid": client.sid, "user": user, "rooms": [GENERAL], "expires": int(client.ends)}
        document |= {"feed": "synced" if self._hub.connected else "stale"}
        client.stream.send_event("connected", frame_of("connected", document))
        if client.sid in self._clients:
            self._hub.welcome(client.stream)

    async def _disconnect(self, sid: str, reason: str = "") -> None:
        client = self._clients.pop(sid, None)
        if client is None:
            return
        self._count(client)
        self._gateway.metrics.clients.set(len(self._clients))
        self._hub.forget(client.stream)
        async with client.changing:
            for name in client.rooms:
                await self._hub.leave(client.stream, name)

    def _limited(self, answer: Request) -> Callable[..., Awaitable[dict[str, Any]]]:
        """The handler of an event, which refuses those beyond REQUESTS."""

        async def handle(sid: str, data: Any = None) -> dict[str, Any]:
            client = self._clients[sid]
            if await self._limiter.hit(REQUESTS, sid):
                return await answer(client, data)
            seconds = REQUESTS.get_expiry()
            return self._refuse(client, f"at most {REQUESTS.amount} requests in {seconds} s are allowed")

        return handle

    async def _subscribe(self, client: Client, data: Any) -> dict[str, Any]:
        try:
            name = parse_room(data)
        except RoomError as error:
            return self._refuse(client, str(error))
        answer = {"type": name.kind, "symbol": name.symbol, "room": str(name)}
        frame = frame_of("subscribed", answer)
        async with client.changing:
            if name in client.rooms:
                client.stream.send_event("subscribed", frame)
            elif len(client.rooms) >= MAX_ROOMS:
                return self._refuse(client, f"at most {MAX_ROOMS} subscriptions are allowed")
            else:
                client.rooms.add(name)
                await self._hub.join(client.stream, name, frame)
        return answer

    async def _unsubscribe(self, client: Client, data: Any) -> dict[str, Any]:
        try:
            name = parse_room(data)
        except RoomError as error:
            return self._refuse(client, str(error))
        answer = {"type": name.kind, "symbol": name.symbol, "room": str(name)}
        async with client.changing:
            if name in client.rooms:
                client.rooms.discard(name)
                await self._hub.leave(client.stream, name)
            client.stream.send_event("unsubscribed", frame_of("unsubscribed", answer))
        return answer

    async def _get_products(self, client: Client, data: Any) -> dict[str, Any]:
        document = {"products": await self._gateway.market.products()}
        client.stream.send_event("products", frame_of("products", document))
        return document

    def _refuse(self, client: Client, detail: str) -> dict[str, Any]:
        client.stream.send_event("error", frame_of("error", {"detail": detail}))
        return {"error": detail}

    def _authenticate(self, auth: Any) -> Account:
        token = auth.get("token") if isinstance(auth, dict) else None
        if token is None and self._gateway.settings.auth == "off":
            return ANONYMOUS
        if not isinstance(token, str):
            raise Refused("a token is needed: auth: {token}, from /api/auth/login")
        try:
            return self._gateway.tokens.verify(token)
        except TokenError as error:
            raise Refused(str(error)) from None

    async def _end(self, client: Client) -> None:
        client.stream.send_event(
            "error", frame_of("error", {"detail": "the token has expired: connect with a new one"})
        )
        await self.sio.disconnect(client.sid)
        asyncio.get_running_loop().call_later(SWEEP_S, client.stream.abort)

    async def _flushed(self, client: Client) -> None:
        """Wait until the packets of the protocol itself are written."""
        engine_id = self.sio.manager.eio_sid_from_sid(client.sid, "/")
        engine = self.sio.eio.sockets.get(engine_id)
        if engine is not None:
            await asyncio.wait([asyncio.ensure_future(engine.queue.join())], timeout=PING_S)

    def _count(self, client: Client) -> None:
        """Add the client's new conflated and dropped messages to the metrics."""
        counts = client.stream.conflated, client.stream.dropped
        self._gateway.metrics.conflated.inc(counts[0] - client.counted[0])
        self._gateway.metrics.dropped.inc(counts[1] - client.counted[1])
        client.counted = counts
