"""What the user is told when something cannot be done."""

from market.errors import UserError


class StackError(UserError):
    """A failure with its cause and its mend; the command line prints it as one line and ends with 1."""

    def __init__(self, cause: str, mend: str, detail: str = "") -> None:
        super().__init__(f"{cause}. {mend}" if mend else cause)
        self.cause = cause
        self.mend = mend
        self.detail = detail  # shown below the line as it is: the last lines of a log, say
