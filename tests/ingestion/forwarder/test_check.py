"""`depthflow forward --check` connects, subscribes and lists the streams, but forwards nothing."""

from pathlib import Path

import pytest

from ingestion.forwarder.chains import ChainError
from ingestion.forwarder.check import NAMED, CheckError, check
from ingestion.forwarder.plan import make_plan
from ingestion.forwarder.subscriptions import FatalRefusal
from simulator import Config, simulator
from simulator.generator.chain import ChainShape
from tests.ingestion.forwarder.harness import eventually, settings, within_a_minute


@within_a_minute
async def test_every_connection_has_a_line_with_its_channels_and_symbols(tmp_path: Path) -> None:
    async with simulator(Config("binance_usdm", ("BTCUSDT", "ETHUSDT"))) as exchange:
        assert await check(make_plan(settings(exchange, tmp_path))) == [
            f"{exchange.ws_url}/public/stream: 2 streams (depth@100ms 2): BTCUSDT, ETHUSDT",
            f"{exchange.ws_url}/market/stream: 2 streams (aggTrade 2): BTCUSDT, ETHUSDT",
            "snapshots: /fapi/v1/depth, weight budget 2400 per minute",
        ]
        await eventually(lambda: not exchange.connections)


@within_a_minute
async def test_a_chain_has_a_line_with_the_number_of_its_options(tmp_path: Path) -> None:
    async with simulator(Config("deribit", chains=("BTC",), chain_shape=ChainShape(2, 21))) as exchange:
        lines = await check(make_plan(settings(exchange, tmp_path, symbols="", chains="BTC")))
        options = len(list(exchange.chain("BTC").instruments()))
        assert lines[1:] == [f"chain BTC: {options + 1} streams (ticker.100ms {options}, index 1)"]
        assert lines[0].startswith(f"{exchange.ws_url}/ws/api/v2: {options + 1} streams (")
        assert lines[0].endswith(f" and {options + 1 - NAMED} more")


@pytest.mark.parametrize("venue", ["binance", "binance_usdm"])
@within_a_minute
async def test_a_symbol_that_the_venue_does_not_list_is_refused_as_in_a_run(venue: str, tmp_path: Path) -> None:
    async with simulator(Config(venue)) as exchange:
        with pytest.raises(FatalRefusal, match=f"^{venue} does not list FOOBAR$"):
            await check(make_plan(settings(exchange, tmp_path, symbols="BTCUSDT,FOOBAR")))


@within_a_minute
async def test_a_chain_that_is_not_listed_is_refused_as_in_a_run(tmp_path: Path) -> None:
    async with simulator(Config("deribit")) as exchange:
        with pytest.raises(ChainError, match="^deribit lists no options of DOGE$"):
            await check(make_plan(settings(exchange, tmp_path, symbols="", chains="DOGE")))


@within_a_minute
async def test_a_venue_that_does_not_answer_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingestion.forwarder.check.TIMEOUT_S", 0.3)
    async with simulator(Config("binance")) as exchange:
        plan = make_plan(settings(exchange, tmp_path, rest_url="http://127.0.0.1:1"))
        with pytest.raises(CheckError, match="^the list of symbols did not arrive"):
            await check(plan)


@within_a_minute
async def test_a_refusal_is_reported_in_the_venues_words(tmp_path: Path) -> None:
    async with simulator(Config("kraken")) as exchange:
        with pytest.raises(FatalRefusal, match="kraken refuses NOPE book.25: Currency pair not supported NOPE"):
            await check(make_plan(settings(exchange, tmp_path, symbols="NOPE")))
