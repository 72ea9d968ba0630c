"""Kraken's book checksum: CRC-32 over the digits of the best ten levels as printed (docs/venues/kraken.md)."""

from collections.abc import Sequence
from decimal import Decimal
from operator import add
from zlib import crc32

import msgspec
from msgspec import Raw, Struct

from core.envelope import InvalidRecord
from market.orderbook.book import Book
from venues.kraken.constants import CHECKSUM_LEVELS

EXPONENT_DIGITS = 3  # sign included; a longer exponent would only produce a long text


class _LevelText(Struct, gc=False):
    price: Raw
    qty: Raw


# All but digits, commas and the `e` of `price`, which begins every price, and of an exponent, which stays in a number.
_NOT_DIGITS = b'[]{}"pricqty:.'
_level_texts = msgspec.json.Decoder(list[_LevelText]).decode


def checksum(book: Book) -> int:
    """CRC-32 of the best ten asks, then the best ten bids, whatever the depth; fewer when a side is shorter."""
    return crc32(book.asks.checksum_text(CHECKSUM_LEVELS) + book.bids.checksum_text(CHECKSUM_LEVELS))


def checksum_texts(data: bytes, count: int) -> Sequence[bytes]:
    """Price and quantity of each of `count` levels, without point and leading zeros.

    `63347.0` and `0.00005100` become `6334705100`. Levels in the venue's usual notation are converted in a few passes
    over the whole text, others one by one. Raises `InvalidRecord` for a number that is too long.
    """
    numbers = data.translate(None, _NOT_DIGITS).split(b",")
    if len(numbers) == 2 * count and data.count(b'{"price":') == count:
        digits = [number.lstrip(b"e0") for number in numbers]
        if b"".join(digits).isdigit():
            return list(map(add, digits[::2], digits[1::2]))
    return [_digits(level.price) + _digits(level.qty) for level in _level_texts(data)]


def _digits(number: Raw) -> bytes:
    """Digits of one number. An exponent is written out; trailing zeros it hides are lost and the checksum differs."""
    text = bytes(number)
    exponent = text.lower().partition(b"e")[2]
    if len(exponent) > EXPONENT_DIGITS:
        raise InvalidRecord(f"expected a number of a book, got {text[:40].decode()}")
    if exponent:
        text = format(Decimal(text.decode()), "f").encode()
    return text.replace(b".", b"").lstrip(b"0")
