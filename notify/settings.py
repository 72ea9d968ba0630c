"""Settings of `depthflow notify`, from the environment and `.env`."""

from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from core.settings import HomeSettings

Names = Annotated[tuple[str, ...], NoDecode]
Severity = Literal["high", "medium", "info"]


class NotifySettings(HomeSettings):
    """Receivers and filter. Lists are separated by commas; an empty one admits everything."""

    notify_alertmanager_url: SecretStr = Field(
        SecretStr(""), description="Alertmanager, with the path prefix of its --web.route-prefix if it has one"
    )
    notify_urls: SecretStr = Field(
        SecretStr(""), description="apprise URLs, separated by spaces: https://github.com/caronc/apprise/wiki"
    )
    notify_rules: Names = Field((), description="rules to send, for instance book_stale,spread_widening")
    notify_severities: Annotated[tuple[Severity, ...], NoDecode] = Field(
        (), description="severities to send: high, medium, info"
    )
    notify_books: Names = Field((), description="books to send, as patterns of venue:symbol with * and ?")
    notify_name: str = Field(
        "",
        pattern=r"^[a-zA-Z0-9._-]*$",
        description="part of the consumer group; processes with different names each send every alert",
    )
    notify_group_s: float = Field(1.0, ge=0, le=60, description="time for which alerts are collected into one message")
    notify_metrics_addr: str = Field(
        "127.0.0.1:2120", pattern=r"^(.*:\d+)?$", description="host:port of /health, /ready and /metrics; empty: none"
    )

    @field_validator("notify_rules", "notify_severities", "notify_books", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(filter(None, (part.strip() for part in value.split(",")))) if isinstance(value, str) else value

    @field_validator("notify_books")
    @classmethod
    def _match_books(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        never = [each for each in value if not set(":*?[") & set(each)]
        if never:
            raise ValueError(f"{never[0]} matches no book; expected patterns of venue:symbol, such as *:{never[0]}")
        return value
