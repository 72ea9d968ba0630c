"""Limits of an exchange, and the counters that enforce them. No clock: every call receives the time in seconds."""

from collections import deque
from dataclasses import dataclass
from math import inf


@dataclass(frozen=True)
class Limits:
    """One venue's limits, times in seconds. `inf`: no such limit. Tests use short times."""

    lifetime_s: float = inf
    ping_every_s: float = inf  # the server's pings
    pong_within_s: float = inf
    heartbeat_s: float = inf  # Kraken: interval once anything is subscribed; Deribit: the shortest accepted
    idle_s: float = inf  # longest time of a connection without a subscription
    incoming_per_s: float = inf  # messages, pings and pongs of the client
    incoming_bytes: float = inf  # largest message
    streams: float = inf  # per connection
    connections: float = inf  # open at once
    connects: float = inf  # attempts within `connects_s`
    connects_s: float = 300
    weight_per_min: float = inf  # REST
    over_weight: float = inf  # requests after a 429 that lead to a ban
    ban_s: float = 120  # length of the first ban; each later ban is twice as long
    snapshots_per_s: float = inf  # Deribit's `get_instruments`


class Window:
    """Counts events of the last `seconds`."""

    def __init__(self, limit: float, seconds: float) -> None:
        self._limit = limit
        self._seconds = seconds
        self._times: deque[float] = deque()

    def admit(self, now: float) -> bool:
        """Count an event; False when the limit is exceeded. Refused events count too, as at the exchanges."""
        if self._limit == inf:
            return True
        while self._times and self._times[0] <= now - self._seconds:
            self._times.popleft()
        self._times.append(now)
        return len(self._times) <= self._limit


class Credits:
    """A credit bucket, full at the start, refilled at a constant rate (Deribit)."""

    def __init__(self, capacity: float, refill_per_s: float) -> None:
        self._capacity = self._available = capacity
        self._refill = refill_per_s
        self._at: float | None = None

    def spend(self, cost: float, now: float) -> bool:
        """Take `cost` credits; False, taking none, when too few are available."""
        elapsed = 0.0 if self._at is None else now - self._at
        self._available = min(self._capacity, self._available + elapsed * self._refill)
        self._at = now
        if cost > self._available:
            return False
        self._available -= cost
        return True


@dataclass(frozen=True)
class Verdict:
    """Outcome of a REST request: `status` 200, 429 or 418; weight `used` in this minute."""

    status: int
    used: int
    retry_after_s: int = 0
    banned_until_ms: int = 0


class WeightBudget:
    """Binance's budget of request weight per calendar minute: 429 beyond it, then a ban (418) if requests go on."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._minute = 0
        self._used = 0
        self._refused = 0
        self._bans = 0
        self._banned_until = 0.0

    def charge(self, weight: int, now: float) -> Verdict:
        """Count one request."""
        minute = int(now // 60)
        if minute != self._minute:
            self._minute, self._used, self._refused = minute, 0, 0
        if now < self._banned_until:
            return self._banned(now)
        self._used += weight
        if self._used <= self._limits.weight_per_min:
            return Verdict(200, self._used)
        self._refused += 1
        if self._refused <= self._limits.over_weight:
            return Verdict(429, self._used, retry_after_s=int(60 * (minute + 1) - now) + 1)
        self._banned_until = now + self._limits.ban_s * 2**self._bans
        self._bans += 1
        return self._banned(now)

    def _banned(self, now: float) -> Verdict:
        until = self._banned_until
        return Verdict(418, self._used, int(until - now) + 1, int(until * 1000))
