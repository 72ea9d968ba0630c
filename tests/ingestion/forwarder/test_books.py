"""Forwarded over real sockets, kept by the real keeper: the book is the exchange's own, whatever happens on the way."""

from pathlib import Path

import pytest

from ingestion.generator.instruments import VENUES
from ingestion.simulator import (
    Config,
    simulator,
)
from tests.ingestion.forwarder.harness import caught_up, forwarding, soon

RATE = 40


@pytest.mark.parametrize("venue", VENUES)
@soon
async def test_books_are_the_exchanges(venue: str, tmp_path: Path) -> None:
    async with simulator(Config(venue, rate=RATE)) as exchange, forwarding(exchange, tmp_path) as running:
        await caught_up(running, exchange)
        for symbol in exchange.config.traded:
            assert running.broker.states(symbol) == ["synced"]
            assert "connected" in running.broker.events(symbol)
    assert running.broker.rejects == []
