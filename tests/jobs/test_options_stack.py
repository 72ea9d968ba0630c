"""TaskManagers die under the options job: the topics hold what the domain says of the same records.

How it goes when nothing dies: test_options_end_to_end.
"""

import pytest

from ingestion.generator.chain import ChainShape
from market.options.batch import ChainConfig
from market.options.keeper import open_chain_keeper
from tests.conftest import Stack
from tests.jobs.chains import chain_values, newest
from tests.jobs.desk import Desk, Record, kill_taskmanagers, wait_until

KEYS = {"deribit:BTC": "BTC", "deribit:NIFTY": "NIFTY"}
TOPICS = ("options.chain", "options.surface", "underlying_ticks")
STEPS, STEP_MS = 300, 1000  # every step is a second, hence one to close
HALF = 2_000  # records, of both chains
SAID_AGAIN = 4  # seconds that the job's clock may close early, and say again, where it waits for the machine

Rows = dict[tuple[object, ...], bytes]


@pytest.fixture(scope="module")
def values() -> dict[str, list[bytes]]:
    return {key: chain_values(name, STEPS, ChainShape(2, 3), STEP_MS) for key, name in KEYS.items()}


@pytest.fixture(scope="module")
def expected(values: dict[str, list[bytes]]) -> dict[str, dict[str, Rows]]:
    """What the domain makes of each key's records, by topic and key."""
    rows: dict[str, dict[str, Rows]] = {topic: {} for topic in TOPICS}
    for key, each in values.items():
        keeper = open_chain_keeper(key, ChainConfig())
        said, last = keeper.apply_all(each), keeper.flush()
        lines = (said.chains + last.chains, said.surfaces + last.surfaces, said.ticks + last.ticks)
        for topic, found in zip(TOPICS, lines, strict=True):
            rows[topic][key] = newest(found)
    return rows


def test_the_topics_hold_what_the_domain_says(
    stack: Stack, values: dict[str, list[bytes]], expected: dict[str, dict[str, Rows]]
) -> None:
    desk = Desk(stack, "options.")
    turns = zip(*([("options.raw", key, value) for value in each] for key, each in values.items()), strict=True)
    records: list[Record] = [record for turn in turns for record in turn]
    total = sum(map(len, expected["underlying_ticks"].values()))
    with desk.running("options"):
        desk.send([*records[:HALF], ("options.raw", "deribit:BTC", b"{")])
        wait_until(lambda: desk.count("underlying_ticks", "read_uncommitted") > 0, "the run to be under way")
        desk.send(records[HALF:])
        kill_taskmanagers(desk)
        wait_until(lambda: len(ticks(desk)) >= total, "every second to be committed")
    assert {topic: rows(desk, topic) for topic in TOPICS} == expected
    assert desk.count("underlying_ticks") <= total + SAID_AGAIN
    assert desk.count("deadletter") == 1


def rows(desk: Desk, topic: str) -> dict[str, Rows]:
    return {key: newest(lines) for key, lines in desk.read(topic).items()}


def ticks(desk: Desk) -> list[bytes]:
    """The newest tick of each chain and second."""
    return [line for each in rows(desk, "underlying_ticks").values() for line in each.values()]
