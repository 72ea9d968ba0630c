"""Books from recordings without Flink."""

from collections.abc import Iterable

import msgspec
import pytest

from ingestion.rebuild import Rebuild
from ingestion.stamping import Stamper
from market.keeper import KeeperConfig
from market.records import Envelope, Processed
from tests.ingestion.builders import fed, generator, keeper, stepped


def rebuilt(envelopes: Iterable[Envelope]) -> tuple[Rebuild, list[bytes]]:
    rebuild = Rebuild(KeeperConfig())
    return rebuild, list(rebuild.records(envelopes))


def test_records_are_those_of_the_keeper() -> None:
    rebuild, records = rebuilt(stepped(generator("binance").wires[0], 50))
    assert records == fed(keeper("binance"), stepped(generator("binance").wires[0], 50)).processed
    assert msgspec.json.decode(records[0], type=Processed).symbol == "ETHUSDT"
    assert rebuild.out_of_sync == []
    assert rebuild.keys["binance:ETHUSDT"].counts.applied == len(records)


def test_a_book_that_never_got_its_snapshot_is_out_of_sync() -> None:
    rebuild, records = rebuilt(e for e in stepped(generator("binance").wires[0], 50) if e.channel != "snapshot")
    assert records == []
    assert rebuild.out_of_sync == ["binance:ETHUSDT"]


def test_a_key_with_trades_alone_has_no_book_to_lose() -> None:
    rebuild, _ = rebuilt(e for e in stepped(generator("kraken").wires[0], 50) if e.channel == "trade")
    assert not rebuild.keys["kraken:BTC/USD"].has_book
    assert rebuild.out_of_sync == []


def test_dead_frames_are_counted_and_the_first_reasons_kept() -> None:
    stamper = Stamper("binance", "c")
    rebuild, _ = rebuilt(stamper.stamp("depth", "A", n, b'{"e":"depthUpdate","u":"x"}') for n in range(30))
    assert rebuild.keys["binance:A"].counts.rejected == 30
    assert len(rebuild.dead) == 20
    assert rebuild.dead[0].startswith("binance:A conn c seq 0: ")


@pytest.mark.parametrize("channel", ["ticker.100ms", "instrument", "book_summary"])
def test_options_belong_to_no_book(channel: str) -> None:
    rebuild, _ = rebuilt([Stamper("deribit", "c").stamp(channel, "BTC", 1, b"{}")])
    assert (rebuild.keys, rebuild.others) == ({}, {channel: 1})
