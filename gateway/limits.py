"""Rate limits of RATE_LIMIT and AUTH_RATE_LIMIT (`gateway/settings.py`), counted in Redis over all processes."""

from limits import RateLimitItem, parse
from limits.aio.storage import RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from redis.exceptions import RedisError

from gateway.problems import Problem

PREFIX = "gateway:limits"


class RateLimiter:
    """Counts requests by account and address. Raises Problem 429 for those beyond a limit."""

    def __init__(self, redis_url: str, general: str, authentication: str, prefix: str = PREFIX) -> None:
        storage = RedisStorage(
            f"async+{redis_url}",
            implementation="redispy",
            key_prefix=prefix,
            socket_timeout=2,
            socket_connect_timeout=2,
        )
        self._limiter = SlidingWindowCounterRateLimiter(storage)
        self._general, self._authentication = parse(general), parse(authentication)

    async def check(self, identity: str) -> None:
        """Count a request. While Redis is unavailable, every request passes."""
        try:
            await self._count(self._general, identity)
        except RedisError:
            return

    async def check_authentication(self, *identities: str) -> None:
        """Count an attempt to log in for each identity (address, username). Refuse it while Redis is unavailable."""
        try:
            for identity in identities:
                await self._count(self._authentication, f"auth:{identity}")
        except RedisError:
            raise Problem(503, "logins are refused while Redis, which counts the attempts, is unavailable") from None

    async def _count(self, limit: RateLimitItem, identity: str) -> None:
        if not await self._limiter.hit(limit, identity):
            headers = {"Retry-After": str(limit.get_expiry())}
            raise Problem(
                429, f"at most {limit.amount} requests in {limit.get_expiry()} s are allowed", headers=headers
            )
