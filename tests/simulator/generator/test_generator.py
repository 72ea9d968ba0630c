"""The generator: repeatable, in order of time, in the texts of the venues."""

from itertools import islice

import pytest

from simulator.frame_generator import START_US, Generator, Plan
from simulator.registry import SIMULATORS
from tests.ingestion.builders import encode, generator
from venues.registry import VENUES


def encoded(count: int, **plan: object) -> list[bytes]:
    return [encode(envelope) for envelope in islice(Generator(Plan(**plan)), count)]  # type: ignore[arg-type]


def test_the_same_seed_gives_the_same_bytes() -> None:
    assert encoded(500, seed=4, gaps_per_1000=20) == encoded(500, seed=4, gaps_per_1000=20)
    assert encoded(500, seed=4) != encoded(500, seed=5)


def test_a_later_start_has_higher_ids_and_another_connection() -> None:
    first, second = (list(islice(generator("kraken", start_us=start), 300)) for start in (START_US, START_US + 10**9))
    trade_ids = [[e.frame for e in encoded if e.channel == "trade"][-1] for encoded in (first, second)]
    assert b'"trade_id":1767225600' in bytes(trade_ids[0])  # type: ignore[arg-type]
    assert b'"trade_id":1767226600' in bytes(trade_ids[1])  # type: ignore[arg-type]
    assert first[0].conn != second[0].conn


def test_every_symbol_of_every_venue_publishes_at_the_planned_rate() -> None:
    envelopes = list(islice(Generator(Plan(rate=100)), 8000))
    books = [envelope for envelope in envelopes if envelope.channel.startswith(("depth", "book"))]
    assert len({(envelope.venue, envelope.symbol) for envelope in books}) == 2 * len(SIMULATORS)
    seconds = (books[-1].recv_us - books[0].recv_us) / 1e6
    assert len(books) / (2 * len(SIMULATORS)) / seconds == pytest.approx(100, rel=0.05)


def test_receive_times_of_a_symbol_never_step_back() -> None:
    times = [envelope.recv_us for envelope in islice(generator("kraken", rate=500), 2000)]
    assert times == sorted(times)


def test_seq_has_no_gaps_when_frames_are_lost_in_transit() -> None:
    books = [e for e in islice(generator("binance", gaps_per_1000=50), 1000) if not e.channel.startswith("agg")]
    assert [envelope.seq for envelope in books] == list(range(len(books)))


@pytest.mark.parametrize("venue", SIMULATORS)
def test_the_classifier_of_the_venue_recognises_every_frame(venue: str) -> None:
    classify = VENUES[venue].open_classifier()
    for envelope in islice(generator(venue), 1, 400):
        found = classify(bytes(envelope.frame))  # type: ignore[arg-type]
        assert found.forwarded
        assert (found.channel, found.symbol or envelope.symbol) == (envelope.channel, envelope.symbol)


FIRST_UPDATES = {
    "binance": b'{"stream":"ethusdt@depth@100ms","data":{"e":"depthUpdate","E":1767225600',
    "binance_usdm": b'{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1767225600',
    "kraken": b'{"channel":"book","type":"update","data":[{"symbol":"BTC/USD","bids":[{"price":617',
    "deribit": b'{"jsonrpc":"2.0","method":"subscription","params":{"channel":"book.BTC-PERPETUAL.100ms","data":{',
}


@pytest.mark.parametrize("venue", FIRST_UPDATES)
def test_updates_are_printed_as_the_venue_prints_them(venue: str) -> None:
    books = (e for e in generator(venue) if e.channel.startswith(("depth", "book")))
    frames = [bytes(envelope.frame) for envelope in islice(books, 2)]  # type: ignore[arg-type]
    assert frames[1].startswith(FIRST_UPDATES[venue])
