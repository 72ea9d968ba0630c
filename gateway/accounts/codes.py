"""One-time login codes: random, kept in Redis by their hash for some minutes, used once."""

import secrets

from redis.asyncio import Redis

from gateway.accounts.tokens import token_hash
from gateway.redis_names import login_code_key

LIFE_S = 300


class LoginCodes:
    """Codes by which a page logs in without a password. Every call raises RedisError while Redis is unavailable."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def issue(self, user_id: str) -> str:
        """A code of 256 random bits for a user, valid for LIFE_S."""
        code = secrets.token_urlsafe(32)
        await self._redis.set(login_code_key(token_hash(code)), user_id, ex=LIFE_S)
        return code

    async def redeem(self, code: str) -> str | None:
        """Use a code up and return its user, in one atomic operation; None if the code is not valid."""
        user_id = await self._redis.getdel(login_code_key(token_hash(code)))
        return user_id.decode() if user_id is not None else None
