"""Books that send nothing while their connection is alive."""

from ingestion.forwarder.silence import MAX_BOUND_S, BookSilence
from ingestion.forwarder.stats import StreamStats
from venues.protocol import Stream

BTC, ETH = Stream("book.25", "BTC/USD"), Stream("book.25", "ETH/USD")
BOUND_S = 60.0


class Watched:
    """Two books: each second those named send a frame; returns when the subscription of which one was renewed."""

    def __init__(self) -> None:
        self.silence = BookSilence()
        self.books = {BTC: StreamStats(), ETH: StreamStats()}
        self.now = 1000.0

    def run(self, seconds: int, *alive: Stream, snapshot_after_renewal: bool = False) -> list[tuple[float, str]]:
        renewed = []
        for _ in range(seconds):
            self.now += 1
            for stream in alive:
                self.books[stream].frames += 1
            for stream, _ in self.silence.overdue(self.books.items(), self.now, BOUND_S):
                renewed.append((self.now - 1000, stream.symbol))
                self.books[stream].frames += snapshot_after_renewal
        return renewed


def test_a_dead_book_beside_a_live_one_is_found() -> None:
    watched = Watched()
    assert watched.run(100, BTC) == [(62, "ETH/USD")]


def test_live_books_are_left_alone() -> None:
    assert Watched().run(1000, BTC, ETH) == []


def test_each_fruitless_renewal_doubles_the_time_up_to_an_hour() -> None:
    times = [at for at, _ in Watched().run(20_000, BTC)]
    steps = [later - earlier for earlier, later in zip(times, times[1:], strict=False)]
    assert steps[:5] == [121, 241, 481, 961, 1921] and set(steps[6:]) == {MAX_BOUND_S + 1}


def test_a_snapshot_alone_does_not_shorten_the_time() -> None:
    """A quiet symbol on a venue with snapshots in the stream would be subscribed again every minute."""
    times = [at for at, _ in Watched().run(1000, BTC, snapshot_after_renewal=True)]
    assert len(times) == 4


def test_a_book_that_sends_updates_again_is_watched_as_before() -> None:
    watched = Watched()
    watched.run(200, BTC)
    watched.run(10, BTC, ETH)
    assert [symbol for _, symbol in watched.run(70, BTC)] == ["ETH/USD"]
