"""Errors of the stack that a user can correct."""

from core.errors import UserError


class StackError(UserError):
    """A failure with its cause and its remedy; the command line prints it as one line and exits with 1."""

    def __init__(self, cause: str, remedy: str, detail: str = "") -> None:
        super().__init__(f"{cause}. {remedy}" if remedy else cause)
        self.cause = cause
        self.remedy = remedy
        self.detail = detail  # printed below the line as it is, such as the last lines of a log
