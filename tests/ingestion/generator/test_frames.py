"""Generated frames through the domain's keeper: what the venue would send, and the book they make is the model's."""

import msgspec
import pytest

from ingestion.generator import VENUES, Generator
from ingestion.generator.kraken import KrakenEncoder
from ingestion.generator.wire import Wire
from ingestion.stamping import Stamper
from market.records import Trade
from tests.ingestion.builders import SYMBOLS, fed, generator, keeper, states, stepped, top

STEPS = 1200


def wire(played: Generator) -> Wire:
    return played.wires[0]


@pytest.mark.parametrize("venue", VENUES)
def test_frames_chain_and_the_rebuilt_book_is_the_models(venue: str) -> None:
    played = wire(generator(venue))
    batch = fed(keeper(venue), stepped(played, STEPS))
    counts = batch.counts
    assert (counts.gaps, counts.checksum_failures, counts.crossed, counts.rejected, counts.surprises) == (0,) * 5
    assert top(batch) == played.market.truth(20)
    assert states(batch) == ["synced"]


@pytest.mark.parametrize("venue", VENUES)
@pytest.mark.parametrize("seed", range(3))
def test_a_lost_frame_is_a_gap_that_a_snapshot_ends(venue: str, seed: int) -> None:
    played = wire(generator(venue, seed=seed, gaps_per_1000=15))
    batch = fed(keeper(venue), stepped(played, STEPS))
    assert played.lost >= batch.counts.gaps > 0
    assert batch.counts.resyncs > 0
    assert states(batch)[:3] == ["synced", "gap", "synced"]


@pytest.mark.parametrize("venue", VENUES)
def test_whatever_is_published_despite_losses_is_the_models_book(venue: str) -> None:
    played, target = wire(generator(venue, gaps_per_1000=15)), keeper(venue)
    fed(target, played.connect(0))
    published = wrong = 0
    for step in range(1, STEPS):
        batch = fed(target, played.advance(step * 100_000))
        published += bool(batch.processed)
        wrong += bool(batch.processed) and top(batch) != played.market.truth(20)
    # Kraken has no sequence numbers: a loss below the ten levels of its checksum shows when they come into them.
    assert wrong == 0 or venue == "kraken"
    assert published > 0.9 * STEPS


@pytest.mark.parametrize("venue", VENUES)
def test_trades_are_those_of_the_model(venue: str) -> None:
    played, twin = wire(generator(venue)), wire(generator(venue)).market
    batch = fed(keeper(venue), stepped(played, STEPS))
    price, size = twin.instrument.price.fixed, twin.instrument.size.fixed
    fills = [fill for _ in range(STEPS) for fill in twin.step().fills]
    trades = [msgspec.json.decode(trade, type=Trade) for trade in batch.trades]
    assert [(trade.price, trade.size, trade.side == "buy") for trade in trades] == [
        (float(price(fill.tick)), float(size(fill.lots)), fill.buyer) for fill in fills
    ]
    assert len({trade.trade_id for trade in trades}) == len(fills) > 200


@pytest.mark.parametrize("depth", [10, 25, 100])
def test_kraken_truncates_at_the_depth_that_was_subscribed(depth: int) -> None:
    market = wire(generator("kraken")).market
    played = Wire(market, KrakenEncoder(market, 1, depth), Stamper("kraken", "c"), loss=0, seed=1)
    batch = fed(keeper("kraken", levels=depth), stepped(played, STEPS))
    assert batch.counts.checksum_failures == 0
    assert top(batch) == market.truth(depth)


def test_a_rest_snapshot_is_older_than_the_events_before_it() -> None:
    envelopes = list(stepped(wire(generator("binance")), 10))
    at = next(i for i, envelope in enumerate(envelopes) if envelope.channel == "snapshot")
    body = msgspec.json.decode(envelopes[at].frame)  # type: ignore[arg-type]
    events = [bytes(e.frame) for e in envelopes[:at] if e.channel == "depth@100ms"]  # type: ignore[arg-type]
    last = [msgspec.json.decode(event)["data"]["u"] for event in events]
    assert last[-2] == body["lastUpdateId"] < last[-1]


@pytest.mark.parametrize("venue", ["kraken", "deribit"])
def test_an_in_band_snapshot_starts_the_count_anew(venue: str) -> None:
    envelopes = [e for e in stepped(wire(generator(venue, gaps_per_1000=30)), 200) if e.channel.startswith("book")]
    starts = [envelope for envelope in envelopes if envelope.seq == 0]
    assert len(starts) > 2
    assert all(b'"type":"snapshot"' in bytes(start.frame) for start in starts)  # type: ignore[arg-type]
    assert {envelope.symbol for envelope in envelopes} == {SYMBOLS[venue]}
