"""What a client rebuilds from the simulator's frames is the simulator's own book, on every venue."""

import pytest

from ingestion.generator.instruments import VENUES
from ingestion.simulator import simulator
from tests.ingestion.simulator.clients import assert_equals_truth, halted, listening, soon


@pytest.mark.parametrize("venue", VENUES)
@soon
async def test_the_rebuilt_book_is_the_truth(venue: str) -> None:
    async with simulator(halted(venue)) as exchange, listening(exchange) as client:
        await client.subscribe()
        exchange.step(20)
        await client.settle()
        exchange.step(20)
        await client.settle()
        assert_equals_truth(client, exchange)
        assert client.states == ["synced"]
