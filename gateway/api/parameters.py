"""Parameters that several calls share."""

from datetime import date
from typing import Annotated

from fastapi import Depends, Header, Path, Query

from gateway.encoding import accepted
from gateway.paging import MAX_MS, PATTERN, Key, decode_cursor

Venue = Annotated[str, Path(pattern=r"^[a-z0-9_]{1,32}$", description="id of an exchange")]
Symbol = Annotated[
    str,
    Path(
        pattern=r"^[A-Za-z0-9_./-]{1,64}$",
        examples=["BTC/USD"],
        description="symbol as the exchange writes it; a slash may be encoded or not",
    ),
]
ProductName = Annotated[
    str, Path(pattern=r"^[A-Za-z0-9_.-]{1,32}$", examples=["BTC"], description="underlying with options")
]
Expiry = Annotated[date | None, Query(examples=["2026-12-25"], description="one expiry; default: all")]
Limit = Annotated[int, Query(ge=1, le=5000, description="largest number of rows")]
Time = Annotated[int | None, Query(ge=0, le=MAX_MS, description="epoch milliseconds")]
Cursor = Annotated[str | None, Query(pattern=PATTERN, description="`next` of the answer before")]


def page_start(cursor: Cursor = None) -> Key | None:
    """The key after which a page begins."""
    return decode_cursor(cursor)


def row_type(accept: Annotated[str | None, Header(include_in_schema=False)] = None) -> str:
    """Media type of the answer."""
    return accepted(accept)


PageStart = Annotated[Key | None, Depends(page_start)]
RowType = Annotated[str, Depends(row_type)]
