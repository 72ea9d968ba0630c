"""The options job after its TaskManagers are killed: the topics contain the output of the domain.

test_options_end_to_end covers the job without failures.
"""

import pytest

from market.options.chain_batch import ChainConfig
from simulator.generator.chain import ChainShape
from tests.conftest import Stack
from tests.jobs.chains import chain_values, newest
from tests.jobs.isolated_system import IsolatedSystem, Record, kill_taskmanagers, wait_until
from venues.registry import open_chain_builder

KEYS = {"deribit:BTC": "BTC", "deribit:NIFTY": "NIFTY"}
TOPICS = ("options.chain", "options.surface", "underlying_ticks")
STEPS, STEP_MS = 300, 1000  # every step is a second
HALF = 2_000  # records, of both chains
EMITTED_AGAIN = 4  # seconds that the job's timer may close early, and emit again, on a busy machine

Rows = dict[tuple[object, ...], bytes]


@pytest.fixture(scope="module")
def values() -> dict[str, list[bytes]]:
    return {key: chain_values(name, STEPS, ChainShape(2, 3), STEP_MS) for key, name in KEYS.items()}


@pytest.fixture(scope="module")
def expected(values: dict[str, list[bytes]]) -> dict[str, dict[str, Rows]]:
    """Output of the domain for each key's records, by topic and key."""
    rows: dict[str, dict[str, Rows]] = {topic: {} for topic in TOPICS}
    for key, each in values.items():
        builder = open_chain_builder(key, ChainConfig())
        batch, last = builder.apply_all(each), builder.flush()
        lines = (batch.chains + last.chains, batch.surfaces + last.surfaces, batch.ticks + last.ticks)
        for topic, records_of_topic in zip(TOPICS, lines, strict=True):
            rows[topic][key] = newest(records_of_topic)
    return rows


def test_the_topics_contain_the_output_of_the_domain(
    stack: Stack, values: dict[str, list[bytes]], expected: dict[str, dict[str, Rows]]
) -> None:
    system = IsolatedSystem(stack, "options.")
    interleaved = zip(*([("options.raw", key, value) for value in each] for key, each in values.items()), strict=True)
    records: list[Record] = [record for pair in interleaved for record in pair]
    total = sum(map(len, expected["underlying_ticks"].values()))
    with system.running("options"):
        system.send([*records[:HALF], ("options.raw", "deribit:BTC", b"{")])
        wait_until(lambda: system.count("underlying_ticks", "read_uncommitted") > 0, "the first output")
        system.send(records[HALF:])
        kill_taskmanagers(system)
        wait_until(lambda: len(ticks(system)) >= total, "every second to be committed")
    assert {topic: rows(system, topic) for topic in TOPICS} == expected
    assert system.count("underlying_ticks") <= total + EMITTED_AGAIN
    assert system.count("deadletter") == 1


def rows(system: IsolatedSystem, topic: str) -> dict[str, Rows]:
    return {key: newest(lines) for key, lines in system.read(topic).items()}


def ticks(system: IsolatedSystem) -> list[bytes]:
    """Newest tick of each chain and second."""
    return [line for each in rows(system, "underlying_ticks").values() for line in each.values()]
