"""Names of everything that the cache job keeps in Redis."""

from collections.abc import Callable
from dataclasses import dataclass, field

from redis.asyncio import Redis

BookName = tuple[str, str]  # venue and symbol

SCAN_COUNT = 1000
REFRESH_S = 2  # least time between two scans of the keys


@dataclass(frozen=True)
class Names:
    """Books by name; keys of underlyings; keys of chains by underlying, nearest expiry first."""

    books: list[BookName] = field(default_factory=list)
    underlyings: list[str] = field(default_factory=list)
    chains: dict[str, list[str]] = field(default_factory=dict)


class Catalog:
    """Scans the keys at most every REFRESH_S, so a new name appears up to that much later. `clock`: epoch seconds."""

    def __init__(self, redis: Redis, clock: Callable[[], float]) -> None:
        self._redis, self._clock = redis, clock
        self._names, self._until = Names(), 0.0

    async def names(self) -> Names:
        """All names. Raises RedisError."""
        now = self._clock()
        if not self._until - REFRESH_S <= now < self._until:
            self._until = now + REFRESH_S
            try:
                self._names = classify([key.decode() async for key in self._redis.scan_iter(count=SCAN_COUNT)])
            except BaseException:
                self._until = 0.0
                raise
        return self._names


def classify(keys: list[str]) -> Names:
    """Names in the keys that contain a venue. Keys without one hold the same values and are skipped."""
    found = Names()
    for key in sorted(keys):
        match key.split(":"):
            case ["orderbook", venue, symbol, "latest"]:
                found.books.append((venue, symbol))
            case ["underlying", _, _, "latest"]:
                found.underlyings.append(key)
            case ["chain", product, _]:
                found.chains.setdefault(product, []).append(key)
    return found
