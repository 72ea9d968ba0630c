"""Books from recordings, without Flink: the domain's keepers, fed one frame at a time in the order of the recording."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import msgspec

from ingestion.routing import route
from market.keeper import Batch, Counts, Keeper, KeeperConfig, UnknownKey, open_keeper
from market.records import Envelope
from market.topics import RAW_OPTIONS

REASONS_SHOWN = 20


@dataclass
class Rebuilt:
    """What became of one key's frames."""

    keeper: Keeper | UnknownKey[Batch]
    counts: Counts = field(default_factory=Counts)

    @property
    def has_book(self) -> bool:
        """Whether there were frames of a book at all, not trades alone."""
        return bool(self.counts.snapshots + self.counts.applied + self.counts.skipped + self.counts.held)

    @property
    def out_of_sync(self) -> bool:
        """Whether a book was there to be followed, and the last frame left it lost."""
        return self.has_book and not self.keeper.live


class Rebuild:
    """Keepers by key, opened as keys appear.

    `others` counts frames that belong to no book (options, instruments), by channel; `dead` holds the first reasons for
    which the domain rejected a frame.
    """

    def __init__(self, config: KeeperConfig) -> None:
        self.keys: dict[str, Rebuilt] = {}
        self.others: Counter[str] = Counter()
        self.dead: list[str] = []
        self._config = config
        self._encode = msgspec.json.Encoder().encode

    def records(self, envelopes: Iterable[Envelope]) -> Iterator[bytes]:
        """Processed records, JSON without line ends, as the frames come."""
        for envelope in envelopes:
            topic, key = route(envelope.venue, envelope.channel, envelope.symbol)
            if topic == RAW_OPTIONS.name:
                self.others[envelope.channel] += 1
                continue
            rebuilt = self._of(key)
            batch = rebuilt.keeper.apply_all([self._encode(envelope)])
            rebuilt.counts += batch.counts
            for reject in batch.rejects[: REASONS_SHOWN - len(self.dead)]:
                self.dead.append(f"{key} conn {envelope.conn} seq {envelope.seq}: {reject.reason}")
            yield from batch.processed

    @property
    def out_of_sync(self) -> list[str]:
        """Keys whose book ended lost."""
        return [key for key, rebuilt in self.keys.items() if rebuilt.out_of_sync]

    def _of(self, key: str) -> Rebuilt:
        if key not in self.keys:
            self.keys[key] = Rebuilt(open_keeper(key, self._config))
        return self.keys[key]
