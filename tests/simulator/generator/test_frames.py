"""Generated frames in the domain's builder: the frames chain as the venue's do, and the book equals the model's."""

import msgspec
import pytest

from core.records import Trade
from simulator.frame_generator import Generator
from simulator.generator.simulated_connection import SimulatedConnection
from simulator.registry import SIMULATORS
from simulator.venues.kraken.encoder import KrakenEncoder
from tests.ingestion.builders import SYMBOLS, apply_all, book_builder, generator, simulate, status_states, top_of_book
from venues.stamping import Stamper

STEPS = 1200


def first_connection(connection: Generator) -> SimulatedConnection:
    return connection.connections[0]


@pytest.mark.parametrize("venue", SIMULATORS)
def test_frames_chain_and_the_rebuilt_book_equals_the_model(venue: str) -> None:
    connection = first_connection(generator(venue))
    batch = apply_all(book_builder(venue), simulate(connection, STEPS))
    counts = batch.counts
    assert (counts.gaps, counts.checksum_failures, counts.crossed, counts.rejected, counts.surprises) == (0,) * 5
    assert top_of_book(batch) == connection.market.reference_book(20)
    assert status_states(batch) == ["synced"]


@pytest.mark.parametrize("venue", SIMULATORS)
@pytest.mark.parametrize("seed", range(3))
def test_a_lost_frame_is_a_gap_and_a_snapshot_ends_it(venue: str, seed: int) -> None:
    connection = first_connection(generator(venue, seed=seed, gaps_per_1000=15))
    batch = apply_all(book_builder(venue), simulate(connection, STEPS))
    assert connection.lost >= batch.counts.gaps > 0
    assert batch.counts.resyncs > 0
    assert status_states(batch)[:3] == ["synced", "gap", "synced"]


@pytest.mark.parametrize("venue", SIMULATORS)
def test_books_published_despite_losses_equal_the_model(venue: str) -> None:
    connection, target = first_connection(generator(venue, gaps_per_1000=15)), book_builder(venue)
    apply_all(target, connection.connect(0))
    published = wrong = 0
    for step in range(1, STEPS):
        batch = apply_all(target, connection.advance(step * 100_000))
        published += bool(batch.processed)
        wrong += bool(batch.processed) and top_of_book(batch) != connection.market.reference_book(20)
    # Kraken has no sequence numbers: a loss below the ten levels of its checksum is detected when they enter these.
    assert wrong == 0 or venue == "kraken"
    assert published > 0.9 * STEPS


@pytest.mark.parametrize("venue", SIMULATORS)
def test_trades_equal_those_of_the_model(venue: str) -> None:
    connection, twin = first_connection(generator(venue)), first_connection(generator(venue)).market
    batch = apply_all(book_builder(venue), simulate(connection, STEPS))
    price, size = twin.instrument.price.fixed, twin.instrument.size.fixed
    fills = [fill for _ in range(STEPS) for fill in twin.step().fills]
    trades = [msgspec.json.decode(trade, type=Trade) for trade in batch.trades]
    assert [(trade.price, trade.size, trade.side == "buy") for trade in trades] == [
        (float(price(fill.tick)), float(size(fill.lots)), fill.buyer) for fill in fills
    ]
    assert len({trade.trade_id for trade in trades}) == len(fills) > 200


@pytest.mark.parametrize("depth", [10, 25, 100])
def test_kraken_truncates_at_the_subscribed_depth(depth: int) -> None:
    market = first_connection(generator("kraken")).market
    connection = SimulatedConnection(market, KrakenEncoder(market, 1, depth), Stamper("kraken", "c"), loss=0, seed=1)
    batch = apply_all(book_builder("kraken", levels=depth), simulate(connection, STEPS))
    assert batch.counts.checksum_failures == 0
    assert top_of_book(batch) == market.reference_book(depth)


def test_a_rest_snapshot_is_older_than_the_events_before_it() -> None:
    envelopes = list(simulate(first_connection(generator("binance")), 10))
    at = next(i for i, envelope in enumerate(envelopes) if envelope.channel == "snapshot")
    body = msgspec.json.decode(envelopes[at].frame)  # type: ignore[arg-type]
    events = [bytes(e.frame) for e in envelopes[:at] if e.channel == "depth@100ms"]  # type: ignore[arg-type]
    last = [msgspec.json.decode(event)["data"]["u"] for event in events]
    assert last[-2] == body["lastUpdateId"] < last[-1]


@pytest.mark.parametrize("venue", ["kraken", "deribit"])
def test_an_in_band_snapshot_restarts_the_sequence(venue: str) -> None:
    envelopes = [
        e for e in simulate(first_connection(generator(venue, gaps_per_1000=30)), 200) if e.channel.startswith("book")
    ]
    starts = [envelope for envelope in envelopes if envelope.seq == 0]
    assert len(starts) > 2
    assert all(b'"type":"snapshot"' in bytes(start.frame) for start in starts)  # type: ignore[arg-type]
    assert {envelope.symbol for envelope in envelopes} == {SYMBOLS[venue]}
