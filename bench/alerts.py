"""Latency of alerts on the live path: simulated exchanges, forwarders, the books job, the alerts job, a Kafka reader.

Conditions are planted in simulated markets. The latency of an alert is the time from the moment at which its condition
had held for the `held_ms` of its rule to its arrival; that of a window counts from the end of the window. The cases add
neighbours, one after the other: quiet books, a silent venue, the same venue when it is back, an unreachable database.
"""

import json
import random
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from pydantic import SecretStr
from rich.console import Console
from rich.table import Table

from bench.alert_latency import Found, Latencies, Planted, Result
from bench.alert_reader import WINDOWS_CASE, AlertReader
from bench.jobs import prepare, running, temporary_topics
from bench.live_venue import LiveVenue, live_venue
from core.errors import UserError
from core.settings import Settings
from market.alerts.rules import ALL_BOOKS, Thresholds
from reader.rules import write_override
from simulator.plants import Condition

Isolation = Literal["read_uncommitted", "read_committed"]
Side = Literal["bid", "ask"]
BUSY, QUIET, OTHER = ("BTCUSDT", "ETHUSDT", "NKNUSDT"), tuple(f"QUIET{number}USDT" for number in range(6)), ("BTC/USD",)
BUSY_RATE, QUIET_RATE = 10.0, 0.05
# Only planted conditions reach these thresholds, and each is an alert of its own.
RULES = {
    "extreme_imbalance": Thresholds(medium=0.8, high=1.0, held_ms=1000, cooldown_s=0.5),
    "trade_sweep": Thresholds(medium=10, high=1000, held_ms=0, cooldown_s=0.5),
    "spread_widening": Thresholds(medium=6, high=1000, held_ms=1500, cooldown_s=0.5),
    "wall_vanished": Thresholds(medium=4, high=1000, held_ms=0, cooldown_s=0.5),
}
CONDITIONS: dict[str, Condition] = {
    "extreme_imbalance": "imbalance",
    "trade_sweep": "sweep",
    "spread_widening": "spread",
    "wall_vanished": "pull",
}
# Conditions that each busy book gets in turn, one every 1.5 to 2 seconds; a longer one is followed by an empty turn. A
# heavy side that lasted two seconds or less would count as a wall.
PROGRAM = ("extreme_imbalance", "", "trade_sweep", "spread_widening", "", "wall_vanished")
LASTS_S = {"extreme_imbalance": 2.4, "spread_widening": 2.4}
WALL_STANDS_S = 0.4  # the longer it stands, the more often it becomes the best level or leaves the ten levels first
HISTORY_S = 70  # a spread is compared with a minute of its history
CASES = ("busy", "quiet neighbours", "silent venue", "returning venue", "database away")
QUIET_BOOKS, WARM_UP = "quiet books", "warm-up"
GOALS = {"read_uncommitted": "p50 <= 300, p99 <= 700", "read_committed": "p99 <= 3,000"}
OTHER_GOALS = {
    QUIET_BOOKS: {"read_uncommitted": "p99 <= 1,500"},
    WINDOWS_CASE: {"read_uncommitted": "p99 <= 2,000"},
}
NO_DATABASE = SecretStr("postgresql://nobody:nothing@127.0.0.1:9/away")
TURN_S = 0.5
SYNC_STEPS = 8
FIRST_ALERT_S = 180
LAST_ALERTS_S = 5  # before the neighbours of the next case are started, which is no part of this one

console = Console(stderr=True)


def report(seconds: float, isolations: list[Isolation]) -> None:
    """Measure, print a table, and as the last line one JSON object: results by reader and case."""
    results = {isolation.removeprefix("read_"): measure(seconds, isolation) for isolation in isolations}
    table = Table(title="alerts: arrival less the moment at which the condition had held, ms")
    for heading in ("engine and reader", "case", "alerts", "missed", "p50", "p99", "goal", "latest (its tick)"):
        table.add_column(heading, justify="right" if heading in ("alerts", "missed", "p50", "p99") else "left")
    for reader, cases in results.items():
        for case, result in cases.items():
            goals = GOALS if case in CASES else OTHER_GOALS.get(case, {})
            goal = goals.get(f"read_{reader}", "")
            figures = ("-" if each is None else f"{each:,.0f}" for each in result[:-1])
            table.add_row(reader, case, *figures, goal, describe(result.slowest))
    Console().print(table)
    print(json.dumps({reader: as_json(cases) for reader, cases in results.items()}))


def describe(found: Found | None) -> str:
    """Rule and latency of an alert, and that of its tick."""
    if found is None or found.tick_ms is None:
        return ""
    return f"{found.rule} {found.latency_ms:,.0f} ({found.tick_ms:,.0f})"


def as_json(cases: dict[str, Result]) -> dict[str, Any]:
    """Results by case, in whole milliseconds."""
    return {case.replace(" ", "_"): rounded(result) for case, result in cases.items()}


def rounded(value: Any) -> Any:
    """A result with its latest alert, in whole milliseconds."""
    if isinstance(value, Result | Found):
        return {name: rounded(each) for name, each in value._asdict().items()}
    return round(value) if isinstance(value, float) else value


def measure(seconds: float, isolation: Isolation) -> dict[str, Result]:
    """Results of all cases. Raises UserError if no alert arrives."""
    settings = prepare("books", "alerts", "analytics").model_copy(update={"alerts_isolation": isolation})
    latencies = Latencies()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        stack.enter_context(temporary_topics(settings, settings.topic_prefix))
        for rule, thresholds in RULES.items():
            write_override(settings, rule, ALL_BOOKS, thresholds)
        with console.status("starting the jobs books and alerts"):
            for job in ("books", "alerts"):
                stack.enter_context(running(settings, job, []))
        live = stack.enter_context(live_venue(settings, folder, "binance", BUSY, BUSY_RATE))
        reader = stack.enter_context(AlertReader(settings, isolation, latencies, live.venue))
        planter = Planter(latencies, live)
        with console.status("waiting for the first alert"):
            wait_for_first_alert(planter, reader)
        reader.measures_windows = True
        for case in CASES:
            with console.status(f"{isolation}: {case}, {seconds:.0f} s"):
                stack.enter_context(neighbours(case, settings, folder, planter))
                planter.run(case, seconds)
                time.sleep(LAST_ALERTS_S)
    found = latencies.finish()
    for each in latencies.missed:
        console.print(f"no alert: {each.rule} of {each.book} at {each.begin_ms} ({each.case})")
    return {case: found[case] for case in (*CASES, QUIET_BOOKS, WINDOWS_CASE) if case in found}


@contextmanager
def neighbours(case: str, settings: Settings, folder: Path, planter: "Planter") -> Iterator[None]:
    """Add the neighbours of a case. They stay until the block ends."""
    if case == "quiet neighbours":
        with live_venue(settings, folder, "binance_usdm", QUIET, QUIET_RATE) as quiet:
            for _ in range(SYNC_STEPS):  # a book is in sync once updates have requested its snapshot
                quiet.control.step()
                time.sleep(1)
            planter.quiet = quiet
            yield
    elif case == "silent venue":
        with live_venue(settings, folder, "kraken", OTHER, BUSY_RATE) as planter.other:
            time.sleep(5)
            planter.other.control.run_market(False)
            yield
    elif case == "returning venue" and planter.other is not None:
        planter.other.control.run_market(True)
        yield
    elif case == "database away":
        with running(settings.model_copy(update={"postgres_dsn": NO_DATABASE}), "analytics", []):
            yield
    else:
        yield


class Planter:
    """Plants conditions in the busy books in turn, and one in a quiet book every few seconds."""

    def __init__(self, latencies: Latencies, busy: LiveVenue) -> None:
        self.quiet: LiveVenue | None = None
        self.other: LiveVenue | None = None
        self.busy = busy
        self._latencies = latencies
        self._turns, self._quiet_turns = count(), count()  # over all cases, so that conditions keep their distance
        self._began = time.monotonic()

    def run(self, case: str, seconds: float) -> None:
        """Plant conditions for this time, in the busy books in turn, in the order of PROGRAM."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            turn = next(self._turns)
            symbol, rule = BUSY[turn % len(BUSY)], PROGRAM[turn // len(BUSY) % len(PROGRAM)]
            has_history = time.monotonic() > self._began + HISTORY_S
            if rule and (has_history or rule != "spread_widening"):
                self.plant(self.busy, symbol, rule, case, turn, LASTS_S.get(rule, 0))
            if self.quiet is not None and turn % 7 == 0:
                number = next(self._quiet_turns)
                rule = "trade_sweep" if number // len(QUIET) % 2 else "extreme_imbalance"
                self.plant(self.quiet, QUIET[number % len(QUIET)], rule, QUIET_BOOKS, number, 12)
            time.sleep(TURN_S + 0.2 * random.random())

    def plant(self, venue: LiveVenue, symbol: str, rule: str, case: str, turn: int, seconds: float) -> None:
        """Plant the condition of a rule, on either side in turn."""
        side: Side = "bid" if turn % 2 else "ask"
        if rule == "wall_vanished":
            venue.control.plant(symbol, "wall", side)
            time.sleep(WALL_STANDS_S)
        begin_ms = venue.control.plant(symbol, CONDITIONS[rule], side, seconds)
        self._latencies.plant(Planted(f"{venue.venue}:{symbol}", rule, case, begin_ms, RULES[rule].held_ms or 0))


def wait_for_first_alert(planter: Planter, reader: AlertReader) -> None:
    """Plant sweeps until one of them arrives as an alert. Raises UserError if none does in time."""
    end = time.monotonic() + FIRST_ALERT_S
    for turn in count():
        planter.plant(planter.busy, BUSY[0], "trade_sweep", WARM_UP, turn, 0)
        time.sleep(1)
        if reader.found:
            return
        if time.monotonic() > end:
            raise UserError(
                f"no alert arrived within {FIRST_ALERT_S} s: `depthflow status` shows the jobs, `depthflow logs "
                "jobmanager` the reason"
            )
