"""Troubles of an observed stack whose alerts take minutes: something is slow or lossy, and nothing is down."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

import psycopg

from simulator.control_client import ControlClient
from stack.services.credentials import load_credentials
from tests.conftest import free_ports
from tests.deploy.observed import ALERT, KEY, SYMBOL, VENUE, Observed
from tests.jobs.isolated_system import wait_until
from tests.notify.alertmanager import running_alertmanager

# Another exchange than that of the stack: its lost frames break the ids of a book, which a snapshot repairs each time,
# while a book proven by checksums is untrusted after some losses.
LOSSY, LOSSY_SYMBOL = "binance", "BTCUSDT"
BETWEEN_GAPS_S = 8
BEHIND_S = -30
SLOW = """
    CREATE FUNCTION take_long() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_sleep(0.01); RETURN NEW; END $$;
    CREATE TRIGGER take_long BEFORE INSERT ON orderbook_windows FOR EACH ROW EXECUTE FUNCTION take_long();
"""
FAST = "DROP FUNCTION take_long() CASCADE"
BACKLOG = 80_000  # windows: at 100 a second there are more than ConsumerLag allows for ten minutes


@contextmanager
def slow_database(observed: Observed) -> Iterator[None]:
    """Each window takes 10 ms to store, and more of them arrive than the job may be behind."""
    with psycopg.connect(_dsn(observed), autocommit=True) as connection:
        connection.execute(SLOW)
        try:
            observed.send("orderbook.windows", KEY, *map(_window, range(BACKLOG)))
            yield
        finally:
            connection.execute(FAST)


@contextmanager
def locked_tables(observed: Observed) -> Iterator[None]:
    """Two tables cannot be written: checkpoints of the job wait for its sinks, and time out.

    The job restarts with the fourth timeout, eight minutes after its first one began.
    """
    with psycopg.connect(_dsn(observed)) as connection:
        connection.execute("LOCK TABLE trades_1s, book_states IN EXCLUSIVE MODE")
        yield


def _dsn(observed: Observed) -> str:
    return load_credentials(observed.settings).postgres_dsn(observed.settings)


def _window(number: int) -> bytes:
    start = 1000 * number
    times = {"window_start": start, "window_end": start + 1000}
    counts = {"updates": 1, "out_of_sync": 0}
    return json.dumps({"venue": VENUE, "symbol": SYMBOL, "size": "1s"} | times | counts).encode()


@contextmanager
def lossy_exchange_with_a_slow_clock(observed: Observed) -> Iterator[None]:
    """Another exchange loses a frame every BETWEEN_GAPS_S seconds, and its clock is late; both end with the block.

    It goes on without faults, since its book would be stale without it.
    """
    control, over = _start_exchange(observed), Event()

    def lose_frames() -> None:
        while not over.wait(BETWEEN_GAPS_S):
            control.inject("gap", symbol=LOSSY_SYMBOL)

    control.inject("clock_skew", seconds=BEHIND_S)
    losing = Thread(target=lose_frames)
    losing.start()
    try:
        yield
    finally:
        over.set()
        losing.join()
        control.inject("clock_skew", seconds=0)


def _start_exchange(observed: Observed) -> ControlClient:
    port, control_port, metrics_port = free_ports(3)
    ports = f"--port={port}", f"--control-port={control_port}"
    observed.start(f"simulate-{LOSSY}", "simulate", LOSSY, "--symbols", LOSSY_SYMBOL, *ports)
    observed.forward(LOSSY, LOSSY_SYMBOL, port, metrics_port, f"forwarder-{LOSSY}")
    updates = f'depthflow:applied:rate1m{{venue="{LOSSY}"}} > 0'
    wait_until(lambda: bool(observed.query(updates)), f"updates of {LOSSY}", 240)
    return ControlClient(control_port)


@contextmanager
def unreachable_receiver(observed: Observed) -> Iterator[None]:
    """A second process of notifications has a receiver that does not run, and starts at the end of the block."""
    (port,) = free_ports(1)
    folder = observed.home / "receiver"
    folder.mkdir()
    own = {"NOTIFY_ALERTMANAGER_URL": f"http://127.0.0.1:{port}", "NOTIFY_NAME": "second"}
    observed.start("notify-second", "notify", NOTIFY_METRICS_ADDR="127.0.0.1:0", **own)
    try:
        wait_until(lambda: bool(observed.query('count(up{job="notify"} == 1) == 2')), "the second one to be scraped")
        observed.send("orderbook.alerts", KEY, json.dumps(ALERT | {"episode": 2}).encode())
        yield
        with running_alertmanager(folder, port=port):
            observed.wait_resolved("ReceiverDown")
    finally:
        observed.end("notify-second")
