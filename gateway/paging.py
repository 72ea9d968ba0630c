"""Cursors: the natural key of the last row of a page, so that rows added meanwhile move no page."""

MAX_MS = 253_402_300_799_999  # end of the year 9999
PATTERN = r"^[0-9]{1,15}\.[^\x00]{0,400}$"

Key = tuple[int, str]  # epoch ms, and what distinguishes rows of one time


def encode_cursor(key: Key) -> str:
    """The cursor after the row with this key."""
    return f"{key[0]}.{key[1]}"


def decode_cursor(cursor: str | None) -> Key | None:
    """The key of a cursor that matches PATTERN; None without one."""
    if cursor is None:
        return None
    time, _, rest = cursor.partition(".")
    return int(time), rest
