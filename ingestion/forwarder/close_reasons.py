"""Classification of connection errors into transient and fatal ones.

Rule for the HTTP status of a refused attempt:

* After a first success at the same address, every status is transient: what worked once is configured correctly. The
  same goes for an untrusted certificate.
* At the first attempt, 400, 401, 404, 405, 410 and 451 are fatal: the address or the location is wrong. 403 is fatal
  only if its body says that access is forbidden (`FORBIDDEN_WORDS`), since firewalls answer 403 to clients that are too
  fast as well.
* Every other status is transient: 408, 418, 425, 429, and all from 500 on, with those of proxies (520 to 530).

A transient refusal is repeated with back-off, not before the time that `Retry-After` names.
"""

import asyncio
import ssl
from collections.abc import Container, Mapping
from email.utils import parsedate_to_datetime
from time import time

import aiohttp
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from ingestion.forwarder.subscriptions import FatalRefusal, SessionEnd

FATAL_STATUS = frozenset({400, 401, 404, 405, 410, 451})
FORBIDDEN = 403
FORBIDDEN_WORDS = ("restricted", "country", "region", "location", "jurisdiction", "not authorized", "unauthorized")
MAX_RETRY_AFTER_S = 24 * 3600.0
BODY_BYTES = 4096  # start of a refusal's body that is searched for its reason


def error_text(error: Exception) -> str:
    """Text of an error for the log; its type if it has no text."""
    return str(error) or type(error).__name__


def close_reason(task: "asyncio.Future[None]", fatal_close_codes: Container[int]) -> str:
    """Reason why a connection ended, from its first task that ended. Raises errors that another attempt cannot mend.

    `fatal_close_codes`: close codes by which the venue forbids reconnecting.
    """
    error = task.exception()
    if error is None:
        return "stopped"
    if isinstance(error, ConnectionClosed):
        closed = error.rcvd
        if closed is not None and closed.code in fatal_close_codes:
            raise FatalRefusal(f"the venue closed the connection for good: {closed.code} {closed.reason}") from error
        return f"closed: {closed.code} {closed.reason}".strip() if closed else f"lost: {error}"
    if isinstance(error, (SessionEnd, OSError, WebSocketException, asyncio.TimeoutError)):
        return str(error)
    raise error


def fatal_error(url: str, error: Exception, connected_before: bool = False) -> Exception | None:
    """Exception to raise for a failed attempt to connect; None if another attempt may succeed.

    `connected_before`: an earlier attempt at this address succeeded.
    """
    if isinstance(error, ssl.SSLCertVerificationError):
        reason = f"{url}: certificate not trusted: {error.verify_message}"
        return None if connected_before else FatalRefusal(reason)
    if isinstance(error, InvalidStatus):
        status, body = error.response.status_code, bytes(error.response.body or b"")
        if connected_before or not is_fatal_status(status, body):
            return None
        return FatalRefusal(f"{url}: refused with HTTP status {status}")
    if isinstance(error, (OSError, asyncio.TimeoutError, WebSocketException)):
        return None
    return error


def is_fatal_status(status: int, body: bytes = b"") -> bool:
    """True if the status of a first attempt means that another one would be refused as well."""
    if status == FORBIDDEN:
        text = body[:BODY_BYTES].decode(errors="replace").lower()
        return any(word in text for word in FORBIDDEN_WORDS)
    return status in FATAL_STATUS


def retry_after_s(headers: Mapping[str, str] | None) -> float:
    """Seconds that `Retry-After` names, as a number or as a date; 0 without one, at most `MAX_RETRY_AFTER_S`."""
    text = (headers.get("Retry-After") or "").strip() if headers is not None else ""
    if text.isascii() and text.isdigit():
        return min(float(text), MAX_RETRY_AFTER_S)
    try:
        at = parsedate_to_datetime(text).timestamp()
    except (TypeError, ValueError, OverflowError):
        return 0.0
    return min(max(0.0, at - time()), MAX_RETRY_AFTER_S)


def retry_after_of(error: Exception) -> float:
    """Seconds that the refusal behind `error` names; 0 if it names none or there was no response."""
    if isinstance(error, InvalidStatus):
        return retry_after_s(error.response.headers)
    if isinstance(error, aiohttp.ClientResponseError):
        return retry_after_s(error.headers)
    return 0.0
