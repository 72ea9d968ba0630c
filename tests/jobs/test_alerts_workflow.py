"""The alerts workflow on a local cluster: the same alerts in both modes, with one slot and two, for any batches."""

from collections.abc import Iterator

import pytest
from pyflink.common import Row
from pyflink.datastream import DataStream, KeyedStream

from core.settings import Settings
from jobs.alert_operator import RULE_RECORD
from jobs.alerts import define_spec, define_workflow
from jobs.rule_topic import RuleRecords
from tests.jobs.local import Output, run_batches
from tests.market.alerts.builders import RULES, engine, table, thresholds
from tests.market.alerts.test_engine import market

SIZES = (1, 7, 1_000)
VALUES = market(5, 400)
AT_ONCE = thresholds(held_ms=0, cooldown_s=0)
RECORDS = RuleRecords({f"{rule}|*": AT_ONCE for rule in RULES}, {0: 2})
CHANGES = [Row("trade_sweep|*", thresholds(medium=99), 0, 1), Row("trade_sweep|kraken:OTHER", None, 0, 2)]


def batches() -> Iterator[Row]:
    for size in SIZES:
        for first in range(0, len(VALUES), size):
            cut = VALUES[first : first + size]
            yield Row("orderbook.ticks", size, cut, list(range(first, first + len(cut))))


def workflow(keyed: KeyedStream, settings: Settings) -> DataStream:
    rules = keyed.get_execution_environment().from_collection(CHANGES, RULE_RECORD).set_parallelism(1)
    return define_workflow(keyed, rules, define_spec(settings, RECORDS), settings)


@pytest.fixture(scope="module", params=[("process", 1), ("process", 2), ("thread", 1), ("thread", 2)], ids=str)
def output(request: pytest.FixtureRequest) -> Output:
    mode, parallelism = request.param
    return run_batches(batches(), workflow, mode, parallelism, key_of=lambda batch: f"kraken:S{batch[1]}")


def test_alerts_equal_those_of_the_engine_for_any_batches(output: Output) -> None:
    for size in SIZES:
        expected = engine(f"kraken:S{size}", table(extreme_imbalance={"held_ms": 0})).apply_all(
            "orderbook.ticks", VALUES
        )
        assert len(expected.alerts) > 100
        assert output["orderbook.alerts", f"kraken:S{size}"] == [line for _, line in expected.alerts]
