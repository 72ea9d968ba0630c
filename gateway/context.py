"""The parts that requests and sockets share."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from redis.asyncio import BlockingConnectionPool, Redis

from gateway.accounts.codes import LoginCodes
from gateway.accounts.passwords import Passwords
from gateway.accounts.tokens import TokenIssuer
from gateway.accounts.users import AccountConflict, Users
from gateway.database import Database
from gateway.limits import RateLimiter
from gateway.market_data import MarketData
from gateway.metrics import GatewayMetrics
from gateway.pipeline.overview import Pipeline
from gateway.pipeline.targets import parse_targets
from gateway.replay.service import Replays
from gateway.settings import GatewaySettings

REDIS_CONNECTIONS = 64
REDIS_TIMEOUT_S = 2


@dataclass(frozen=True)
class Gateway:
    """Settings, connections and services of one process. `clock`: epoch seconds."""

    settings: GatewaySettings
    redis: Redis
    reader: Database
    accounts: Database
    users: Users
    tokens: TokenIssuer
    passwords: Passwords
    codes: LoginCodes
    limiter: RateLimiter
    market: MarketData
    metrics: GatewayMetrics
    pipeline: Pipeline
    replays: Replays
    clock: Callable[[], float]

    async def start(self) -> None:
        """Open the pools. An unavailable database is no error."""
        await self.reader.open()
        await self.accounts.open()

    async def create_first_account(self) -> None:
        """Create GATEWAY_USER with the role admin, if it is set and there is no such account."""
        name, password = self.settings.gateway_user, self.settings.gateway_password.get_secret_value()
        if not (name and password) or await self.users.find(name):
            return
        try:
            await self.users.add(name, await self.passwords.hash(password), "admin")
        except AccountConflict:
            return  # another process was first

    async def close(self) -> None:
        await self.reader.close()
        await self.accounts.close()
        await self.pipeline.close()
        await self.redis.aclose()
        await self.redis.connection_pool.disconnect()


def build_gateway(settings: GatewaySettings, clock: Callable[[], float] = time.time) -> Gateway:
    """A gateway that is not connected yet."""
    # A request waits for a free connection. Without the wait, a busy Redis would count as unavailable.
    pool = BlockingConnectionPool.from_url(
        settings.redis_url.get_secret_value(),
        max_connections=REDIS_CONNECTIONS,
        timeout=REDIS_TIMEOUT_S,
        socket_timeout=REDIS_TIMEOUT_S,
        socket_connect_timeout=REDIS_TIMEOUT_S,
    )
    redis = Redis(connection_pool=pool)
    reader = Database(settings.reader_postgres_dsn.get_secret_value(), settings.database_connections, read_only=True)
    accounts = Database(settings.accounts_postgres_dsn.get_secret_value(), 4, read_only=False)
    metrics = GatewayMetrics()
    return Gateway(
        settings=settings,
        redis=redis,
        reader=reader,
        accounts=accounts,
        users=Users(accounts, settings.refresh_token_s),
        tokens=TokenIssuer(
            settings.jwt_secret.get_secret_value(),
            settings.jwt_issuer,
            settings.jwt_audience,
            settings.access_token_s,
        ),
        passwords=Passwords(),
        codes=LoginCodes(redis),
        limiter=RateLimiter(settings.redis_url.get_secret_value(), settings.rate_limit, settings.auth_rate_limit),
        market=MarketData(redis, reader, settings.stale_after_s * 1000, clock),
        metrics=metrics,
        pipeline=Pipeline(
            settings.flink_rest_url,
            parse_targets(settings.pipeline_targets),
            settings.home,
            (f"{settings.serve_host}:{settings.serve_port}", metrics),
        ),
        replays=Replays(reader, settings.kafka_bootstrap_servers),
        clock=clock,
    )
