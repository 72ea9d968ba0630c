"""Requests to other processes, bounded in time and size. `Unavailable` has the cause of a missing answer."""

import asyncio
from os import strerror
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import msgspec

from core.envelope import DECODE_ERRORS

TIMEOUT_S = 1.5
MAX_BYTES = 8 * 1024 * 1024


class Unavailable(Exception):
    """A process gave no usable answer; the text is the cause."""


class Fetcher:
    """GET requests within TIMEOUT_S each, with at most MAX_BYTES of answer. The session opens with the first one."""

    def __init__(self, timeout_s: float = TIMEOUT_S) -> None:
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._session: aiohttp.ClientSession | None = None

    async def body(self, url: str, error_status: bool = False) -> bytes:
        """Body of an answer; with `error_status` that of any status. Raises Unavailable."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=self._timeout)
        try:
            async with self._session.get(url) as response:
                if response.status >= 400 and not error_status:
                    raise Unavailable(f"answers with status {response.status}")
                found = await response.content.read(MAX_BYTES)
                while not response.content.at_eof():
                    found += await response.content.read(MAX_BYTES)
                    if len(found) > MAX_BYTES:
                        raise Unavailable(f"answers with more than {MAX_BYTES} bytes")
                return found
        except asyncio.TimeoutError:
            raise Unavailable(f"does not answer within {self._timeout.total:g} s") from None
        except aiohttp.ClientConnectorError as error:
            number = error.os_error.errno
            raise Unavailable(strerror(number) if number and number > 0 else "cannot be reached") from None
        except (aiohttp.ClientError, ValueError, OSError) as error:
            raise Unavailable(str(error) or type(error).__name__) from None

    async def json(self, url: str, error_status: bool = False) -> Any:
        """Decoded JSON of an answer. Raises Unavailable."""
        body = await self.body(url, error_status)
        try:
            return msgspec.json.decode(body)
        except DECODE_ERRORS:
            raise Unavailable("its answer is not JSON") from None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


def host_of(url: str) -> str:
    """`host:port` of a URL, without user and password."""
    return urlsplit(url).netloc.rpartition("@")[2]
