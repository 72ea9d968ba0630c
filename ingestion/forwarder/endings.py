"""How attempts and connections end: worth another one, or for good."""

import asyncio
import ssl
from collections.abc import Container

from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from ingestion.forwarder.subscriptions import FatalRefusal, SessionEnd

TRANSIENT_STATUS = frozenset({408, 418, 425, 429, 500, 502, 503, 504})


def reason_of(task: "asyncio.Future[None]", final_closes: Container[int]) -> str:
    """Why a connection ended, of the part of it that ended first. Raises what must not be mended by another attempt.

    `final_closes`: the close codes by which the venue says not to come back.
    """
    error = task.exception()
    if error is None:
        return "stopped"
    if isinstance(error, ConnectionClosed):
        closed = error.rcvd
        if closed is not None and closed.code in final_closes:
            raise FatalRefusal(f"the venue closed the connection for good: {closed.code} {closed.reason}") from error
        return f"closed: {closed.code} {closed.reason}".strip() if closed else f"lost: {error}"
    if isinstance(error, (SessionEnd, OSError, WebSocketException, asyncio.TimeoutError)):
        return str(error)
    raise error


def fatal_error(url: str, error: Exception) -> Exception | None:
    """None for a failed attempt that is worth another; else what to raise."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return FatalRefusal(f"{url}: certificate not trusted: {error.verify_message}")
    if isinstance(error, InvalidStatus):
        status = error.response.status_code
        return None if status in TRANSIENT_STATUS else FatalRefusal(f"{url}: refused with HTTP status {status}")
    if isinstance(error, (OSError, asyncio.TimeoutError, WebSocketException)):
        return None
    return error
