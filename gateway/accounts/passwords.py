"""Password hashes (Argon2id), computed in threads."""

import asyncio
import secrets

from pwdlib import PasswordHash
from pwdlib.exceptions import PwdlibError

PARALLEL = 2  # hashes at once; each takes 64 MiB


class Passwords:
    """Hashes and checks passwords without blocking the event loop."""

    def __init__(self) -> None:
        self._hasher = PasswordHash.recommended()
        self._unknown = self._hasher.hash(secrets.token_urlsafe(16))
        self._slots = asyncio.Semaphore(PARALLEL)

    async def hash(self, password: str) -> str:
        """Hash of a new password, with its parameters and salt."""
        async with self._slots:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def verify(self, password: str, stored: str | None) -> bool:
        """True if the password has this hash. Without a hash (unknown user) it does the same work and is False."""
        async with self._slots:
            matches = await asyncio.to_thread(self._matches, password, stored or self._unknown)
        return matches and stored is not None

    def _matches(self, password: str, stored: str) -> bool:
        try:
            return self._hasher.verify(password, stored)
        except PwdlibError:
            return False
