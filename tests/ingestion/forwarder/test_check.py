"""`depthflow forward --check`: connections are tried, what would be subscribed is told, nothing is forwarded."""

from pathlib import Path

import pytest

from ingestion.forwarder.check import check
from ingestion.forwarder.subscriptions import FatalRefusal
from ingestion.generator.chain import ChainShape
from ingestion.simulator import Config, simulator
from tests.ingestion.forwarder.harness import eventually, settings, soon


@soon
async def test_every_stream_is_told_with_its_connection(tmp_path: Path) -> None:
    async with simulator(Config("binance_usdm", ("BTCUSDT",))) as exchange:
        lines = [line.split() for line in await check(settings(exchange, tmp_path))]
        assert lines == [
            [f"{exchange.ws_url}/public/stream:", "1", "streams"],
            ["depth@100ms", "BTCUSDT"],
            [f"{exchange.ws_url}/market/stream:", "1", "streams"],
            ["aggTrade", "BTCUSDT"],
            ["snapshots:", "/fapi/v1/depth,", "2400", "of", "weight", "a", "minute"],
        ]
        await eventually(lambda: not exchange.connections)


@soon
async def test_every_option_of_a_chain_is_told(tmp_path: Path) -> None:
    async with simulator(Config("deribit", chains=("BTC",), chain_shape=ChainShape(2, 21))) as exchange:
        lines = list(await check(settings(exchange, tmp_path, symbols="", chains="BTC")))
        options = {str(row["instrument_name"]) for row in exchange.chain("BTC").instruments()}
        assert {line.split()[-1] for line in lines if line.startswith("  ticker.100ms")} == options


@soon
async def test_what_the_venue_refuses_is_told_in_its_words(tmp_path: Path) -> None:
    async with simulator(Config("kraken")) as exchange:
        with pytest.raises(FatalRefusal, match="kraken refuses NOPE book.25: Currency pair not supported NOPE"):
            await check(settings(exchange, tmp_path, symbols="NOPE"))
