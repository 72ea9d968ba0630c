"""Errors of the reader: UserError > ReaderError."""

from core.errors import UserError


class ReaderError(UserError):
    """A wrong argument or an unreadable source; the text names the cause and the remedy."""
