"""Books built from forwarded frames equal the exchange's books."""

from pathlib import Path

import pytest

from simulator import Config, simulator
from simulator.registry import SIMULATORS
from tests.ingestion.forwarder.harness import forwarding, wait_until_books_match, within_a_minute

RATE = 40


@pytest.mark.parametrize("venue", SIMULATORS)
@within_a_minute
async def test_books_equal_the_exchanges(venue: str, tmp_path: Path) -> None:
    async with simulator(Config(venue, rate=RATE)) as exchange, forwarding(exchange, tmp_path) as running:
        await wait_until_books_match(running, exchange)
        for symbol in exchange.config.traded:
            assert running.broker.states(symbol) == ["synced"]
            assert "connected" in running.broker.events(symbol)
    assert running.broker.rejects == []
