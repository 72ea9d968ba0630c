"""On every venue, the book rebuilt from the simulator's frames equals the simulator's own book."""

import pytest

from simulator import simulator
from simulator.registry import SIMULATORS
from tests.simulator.clients import assert_equals_reference, halted, limited_time, listening


@pytest.mark.parametrize("venue", SIMULATORS)
@limited_time
async def test_the_rebuilt_book_equals_the_reference_book(venue: str) -> None:
    async with simulator(halted(venue)) as exchange, listening(exchange) as client:
        await client.subscribe()
        exchange.step(20)
        await client.settle()
        exchange.step(20)
        await client.settle()
        assert_equals_reference(client, exchange)
        assert client.states == ["synced"]
