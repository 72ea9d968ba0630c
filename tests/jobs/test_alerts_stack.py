"""The alerts job on the stack: ticks in, committed alerts out, across a kill, with thresholds that change meanwhile."""

from uuid import uuid4

from market.alerts.rule_table import RuleTable
from tests.conftest import Stack
from tests.jobs.isolated_system import IsolatedSystem, Record, kill_taskmanagers, wait_until
from tests.market.alerts.builders import RULES, book_tick, chain, engine, thresholds
from tests.market.alerts.test_engine import market

KEYS = tuple(f"kraken:K{number}" for number in range(4))
AT_ONCE = thresholds(held_ms=0, cooldown_s=0)
OWN = thresholds(medium=1.0, held_ms=0)
VALUES = {key: market(seed, 400) for seed, key in enumerate(KEYS)}
SET_BEFORE: list[Record] = [("alert.rules", f"{rule}|*", AT_ONCE) for rule in RULES]
SET_BEFORE.append(("alert.rules", f"order_flow_burst|{KEYS[0]}", thresholds(medium=2.0, high=3.0)))


def ticks(first: int, last: int) -> list[Record]:
    """Records `first` to `last` of every key, in turn."""
    return [("orderbook.ticks", key, VALUES[key][number]) for number in range(first, last) for key in KEYS]


def expected(last: int) -> dict[str, list[bytes]]:
    table = RuleTable(RULES)
    for _, key, value in SET_BEFORE:
        table.apply(key or "", value)
    batches = {key: engine(key, table).apply_all("orderbook.ticks", values[:last]) for key, values in VALUES.items()}
    return {key: [line for _, line in batch.alerts] for key, batch in batches.items()}


def books(system: IsolatedSystem) -> dict[str, list[bytes]]:
    """Committed alerts of the books whose ticks are known."""
    return {key: lines for key, lines in system.read("orderbook.alerts").items() if key in KEYS}


def test_no_alert_is_lost_or_doubled_by_a_kill_and_thresholds_change_at_runtime(stack: Stack) -> None:
    system = IsolatedSystem(stack, f"{uuid4().hex[:8]}-")
    system.send(SET_BEFORE)
    system.send(ticks(0, 300))
    with system.running("alerts"):
        wait_until(lambda: system.read("orderbook.alerts") == expected(300), "alerts of the first ticks")
        system.send([("options.chain", "deribit:BTC", chain(0, pcr_open_interest=2.5))])
        kill_taskmanagers(system)
        system.send(ticks(300, 800))
        wait_until(lambda: books(system) == expected(800), "all alerts after the recovery")

        system.send([("alert.rules", "order_flow_burst|kraken:LATER", OWN)])
        sent = iter(range(0, 10_000_000, 100))

        def raised() -> bool:
            system.send([("orderbook.ticks", "kraken:LATER", book_tick(next(sent), ofi_1s=1.5))])
            return "kraken:LATER" in system.read("orderbook.alerts")

        wait_until(raised, "an alert by the new threshold")
    found = system.read("orderbook.alerts")
    assert found.pop("deribit:BTC-2026-06-26")[0].startswith(b'{"id":"pcr_extreme|deribit|BTC-2026-06-26|')
    assert found.pop("kraken:LATER")[0].startswith(b'{"id":"order_flow_burst|kraken|LATER|')
    assert found == expected(800)
    assert system.count("deadletter") == 0
