"""Base class of the errors that a user can correct; commands print them in one line and exit with their status."""


class UserError(Exception):
    """An error whose text names its cause and its remedy. `status` is the exit status of the command that it ends."""

    status = 1


class UsageError(UserError):
    """An option or a setting is missing or invalid; the text names it."""

    status = 2
