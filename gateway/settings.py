"""Settings of the gateway, beside those of the pipeline."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator

from core.settings import Settings
from gateway.pipeline.targets import parse_targets

MIN_SECRET_BYTES = 32
RATE = r"^\d+/(second|minute|hour)$"


class GatewaySettings(Settings):
    """Read from the environment, `.env` and the local stack, which generates the secrets."""

    auth: Literal["required", "off"] = Field(
        "required", description="off: every call but those of an admin works without a token"
    )
    jwt_secret: SecretStr = Field(description="key of the access tokens, at least 32 bytes")
    jwt_issuer: str = Field("depthflow", min_length=1, description="claim `iss` of the access tokens")
    jwt_audience: str = Field("depthflow", min_length=1, description="claim `aud` of the access tokens")
    access_token_s: int = Field(900, ge=1, description="life of an access token")
    refresh_token_s: int = Field(30 * 86400, ge=60, description="life of a refresh token")
    registration: Literal["closed", "invitation", "open"] = Field(
        "invitation", description="accounts that may be created: none, by an admin's invitation, by everybody"
    )
    gateway_user: str = Field("", description="account with the role admin that the gateway creates at its start")
    gateway_password: SecretStr = Field(SecretStr(""), description="password of GATEWAY_USER when it is created")
    reader_postgres_dsn: SecretStr = Field(description="database as the role that may only read, depthflow_reader")
    accounts_postgres_dsn: SecretStr = Field(
        description="database as the role of the tables of accounts, depthflow_accounts"
    )
    database_connections: int = Field(8, ge=1, description="connections of the reading pool")
    serve_host: str = Field("127.0.0.1", description="address that the gateway binds; others need TLS in front of it")
    serve_port: int = Field(8000, ge=1, le=65535, description="REST and its documentation")
    serve_socket_port: int = Field(8002, ge=1, le=65535, description="sockets; the port of REST to share it")
    trusted_proxies: str = Field("", description="addresses of proxies whose X-Forwarded-For is trusted")
    allowed_origins: str = Field("", description="origins of pages that may call the API, with commas between them")
    pipeline_targets: str = Field(
        "",
        description="processes whose /metrics the page Pipeline shows, KIND=HOST:PORT with commas between them; kind: "
        "forwarder, gateway, notify, recorder or ring. Those of the local stack register by themselves",
    )
    replay_recording: Path | None = Field(
        None, description="folder of depthflow record, from which replays are rebuilt before the raw topics are asked"
    )
    replay_max_span_s: int = Field(3600, ge=1, le=86400, description="longest span of a replay")
    rate_limit: str = Field("3000/minute", pattern=RATE, description="requests of one account or address")
    auth_rate_limit: str = Field("5/minute", pattern=RATE, description="the same for /api/auth, and for each username")
    socket_stall_s: float = Field(
        15, gt=0, description="time after which a socket is closed that does not read, or sends no token"
    )
    grafana_url: str = Field(
        "", pattern=r"^(https?://.+)?$", description="Grafana as browsers reach it; the page of live books links to it"
    )

    @field_validator("pipeline_targets")
    @classmethod
    def _targets(cls, text: str) -> str:
        parse_targets(text)
        return text

    @field_validator("jwt_secret")
    @classmethod
    def _long_enough(cls, secret: SecretStr) -> SecretStr:
        if len(secret.get_secret_value().encode()) < MIN_SECRET_BYTES:
            raise ValueError(f"expected at least {MIN_SECRET_BYTES} bytes, such as those of `openssl rand -base64 48`")
        return secret
