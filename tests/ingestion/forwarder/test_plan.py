"""Distribution of streams over connections, and settings that a venue does not support."""

from ingestion.forwarder.plan import shards
from venues.protocol import Stream
from venues.registry import VENUES


def streams(count: int, *channels: str) -> list[Stream]:
    return [Stream(channel, f"S{number}USDT") for number in range(count) for channel in channels]


def test_no_connection_carries_more_than_the_maximum() -> None:
    cut = shards(VENUES["binance"].protocol, streams(500, "depth@100ms", "aggTrade"), 300)
    assert sorted(map(len, cut)) == [100, 300, 300, 300]
    assert sorted(stream for shard in cut for stream in shard) == sorted(streams(500, "depth@100ms", "aggTrade"))


def test_a_symbol_stays_on_one_connection() -> None:
    cut = shards(VENUES["binance"].protocol, streams(5, "depth@100ms", "aggTrade"), 3)
    assert [{stream.symbol for stream in shard} for shard in cut] == [{f"S{n}USDT"} for n in range(5)]


def test_usdm_books_and_trades_take_two_connections() -> None:
    cut = shards(VENUES["binance_usdm"].protocol, streams(2, "depth@100ms", "aggTrade"), 200)
    assert [{stream.channel for stream in shard} for shard in cut] == [{"depth@100ms"}, {"aggTrade"}]


def test_a_stream_named_twice_is_subscribed_once() -> None:
    assert shards(VENUES["kraken"].protocol, [Stream("trade", "BTC/USD")] * 2, 10) == [[Stream("trade", "BTC/USD")]]
