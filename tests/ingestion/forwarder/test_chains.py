from pathlib import Path
from typing import cast

import pytest
from msgspec import Raw

from ingestion.forwarder.chains import ChainError, Option, chain_streams, query
from ingestion.forwarder.dialects import Stream
from ingestion.simulator import Config, simulator
from market.options.instrument import Instrument
from market.options.wire import parse
from tests.ingestion.forwarder.harness import eventually, forwarding, soon

NOW, FRIDAY, NEXT_FRIDAY = 1_767_225_600_000, 1_767_340_800_000, 1_767_945_600_000
CALL, PUT = "BTC-2JAN26-60000-C", "BTC-9JAN26-60000-P"


def options() -> list[Option]:
    linear = Option("SOL_USDC-2JAN26-100-C", FRIDAY, "sol_usdc")
    return [Option(CALL, FRIDAY, "btc_usd"), Option(PUT, NEXT_FRIDAY, "btc_usd"), linear]


def test_a_chain_is_every_option_of_its_name_and_the_index() -> None:
    assert chain_streams("BTC", options(), "ticker.100ms", NOW) == {
        Stream("ticker.100ms", CALL): FRIDAY,
        Stream("ticker.100ms", PUT): NEXT_FRIDAY,
        Stream("index", "btc_usd"): NEXT_FRIDAY,
    }


def test_an_expired_option_is_left_out() -> None:
    assert Stream("ticker.100ms", CALL) not in chain_streams("BTC", options(), "ticker.100ms", FRIDAY)


def test_a_linear_family_is_listed_under_what_it_is_paid_in() -> None:
    assert query("SOL_USDC")["currency"] == "USDC"
    assert Stream("index", "sol_usdc") in chain_streams("SOL_USDC", options(), "ticker.100ms", NOW)


@soon
async def test_a_whole_chain_is_followed_and_its_expiries_come_and_go(tmp_path: Path) -> None:
    config = Config("deribit", ("BTC-PERPETUAL",), chains=("BTC",), rate=20)
    async with (
        simulator(config) as exchange,
        forwarding(exchange, tmp_path, symbols="BTC-PERPETUAL", chains="BTC", chain_refresh_s=0.2) as running,
    ):
        frames = running.broker.envelopes

        def listed() -> set[str]:
            return {str(row["instrument_name"]) for row in exchange.chain("BTC").instruments()}

        def followed() -> set[str]:
            streams = {stream for session in running.forwarder.pool.sessions() for stream in session.streams.live}
            return {stream.symbol for stream in streams if stream.channel.startswith("ticker")}

        await eventually(lambda: followed() == listed())
        await eventually(lambda: all(frames[name] for name in [*listed(), "btc_usd", "BTC", "BTC-PERPETUAL"]))
        before = listed()
        exchange.roll("BTC")
        await eventually(lambda: followed() == listed())
        assert before - listed() and listed() - before
        newest = cast(Raw, frames["BTC"][-1].frame)
        assert {each.name for each in parse(newest) if isinstance(each, Instrument)} == listed()


@soon
async def test_a_chain_that_is_not_listed_stops_with_its_name(tmp_path: Path) -> None:
    async with simulator(Config("deribit")) as exchange:
        async with forwarding(exchange, tmp_path, chains="DOGE") as running:
            with pytest.raises(ChainError, match="^deribit lists no options of DOGE$"):
                await running.task
