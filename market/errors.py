"""The one family of failures that a user can mend; every command prints them as one line and ends with 1."""


class UserError(Exception):
    """A failure whose text names the cause and the mend."""
