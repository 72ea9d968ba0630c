"""Subscriptions to whole option chains at a simulated exchange."""

from pathlib import Path
from typing import cast

import pytest
from msgspec import Raw

from ingestion.forwarder.chains import ChainError
from market.options.events import Instrument
from simulator import Config, simulator
from tests.ingestion.forwarder.harness import eventually, forwarding, within_a_minute
from venues.deribit.option_messages import parse


@within_a_minute
async def test_a_whole_chain_is_subscribed_and_its_expiries_come_and_go(tmp_path: Path) -> None:
    config = Config("deribit", ("BTC-PERPETUAL",), chains=("BTC",), rate=20)
    async with (
        simulator(config) as exchange,
        forwarding(exchange, tmp_path, symbols="BTC-PERPETUAL", chains="BTC", chain_refresh_s=0.2) as running,
    ):
        frames = running.broker.envelopes

        def listed() -> set[str]:
            return {str(row["instrument_name"]) for row in exchange.chain("BTC").instruments()}

        def subscribed() -> set[str]:
            streams = {
                stream for session in running.forwarder.pool.sessions() for stream in session.subscriptions.active
            }
            return {stream.symbol for stream in streams if stream.channel.startswith("ticker")}

        await eventually(lambda: subscribed() == listed())
        await eventually(lambda: all(frames[name] for name in [*listed(), "btc_usd", "BTC", "BTC-PERPETUAL"]))
        before = listed()
        exchange.roll("BTC")
        await eventually(lambda: subscribed() == listed())
        assert before - listed() and listed() - before
        newest = cast(Raw, frames["BTC"][-1].frame)
        assert {each.name for each in parse(newest) if isinstance(each, Instrument)} == listed()


@within_a_minute
async def test_a_chain_that_is_not_listed_is_named_in_the_error(tmp_path: Path) -> None:
    async with simulator(Config("deribit")) as exchange:
        async with forwarding(exchange, tmp_path, chains="DOGE") as running:
            with pytest.raises(ChainError, match="^deribit lists no options of DOGE$"):
                await running.task
