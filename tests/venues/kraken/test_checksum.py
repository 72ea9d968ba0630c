"""Checksums of Kraken: published books with their checksums, and the digits of numbers."""

from collections.abc import Iterable
from decimal import Decimal
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from market.orderbook.book import Book
from venues.kraken.checksum import checksum, checksum_texts
from venues.kraken.messages import levels

K1_ASKS = [f"0.{price:05d}" for price in range(5005, 5051, 5)]
K1_BIDS = "0.05000 0.04995 0.04990 0.04980 0.04975 0.04970 0.04965 0.04960 0.04955 0.04950".split()
K1_TEXT = (
    "5005500501050050155005020500502550050305005035500504050050455005050500"
    "5000500499550049905004980500497550049705004965500496050049555004950500"
)
K2_ASKS = (
    "45285.2 0.00100000 45286.4 1.54571953 45286.6 1.54571109 45289.6 1.54560911 45290.2 0.15890660 "
    "45291.8 1.54553491 45294.7 0.04454749 45296.1 0.35380000 45297.5 0.09945542 45299.5 0.18772827"
).split()
K2_BIDS = (
    "45283.5 0.10000000 45283.4 1.54582015 45282.1 0.10000000 45281.0 0.10000000 45280.3 1.54592586 "
    "45279.0 0.07990000 45277.6 0.03310103 45277.5 0.30000000 45277.3 1.54602737 45276.6 0.15445238"
).split()


def objects(texts: Iterable[str]) -> Raw:
    """Level objects of a message from alternating price and quantity texts."""
    pairs = zip(*[iter(texts)] * 2, strict=True)
    return Raw(("[" + ",".join(f'{{"price":{price},"qty":{qty}}}' for price, qty in pairs) + "]").encode())


def book(bids: Iterable[str], asks: Iterable[str]) -> Book:
    made = Book()
    for side, texts in ((made.bids, bids), (made.asks, asks)):
        parsed, parsed_texts = levels(objects(texts))
        side.apply_texts(parsed, parsed_texts)
    return made


def with_size(prices: Iterable[str]) -> list[str]:
    return [text for price in prices for text in (price, "0.00000500")]


def test_the_checksum_of_the_documented_book_matches() -> None:
    assert checksum(book(with_size(K1_BIDS), with_size(K1_ASKS))) == 974947235 == crc32(K1_TEXT.encode())


def test_the_checksum_of_a_published_book_matches() -> None:
    assert checksum(book(K2_BIDS, K2_ASKS)) == 3310070434


def test_numbers_printed_from_floats_give_another_checksum() -> None:
    bids, asks = ([repr(float(text)) for text in side] for side in (K2_BIDS, K2_ASKS))
    assert checksum(book(bids, asks)) == 1604409348


def test_a_book_with_five_asks_gives_another_checksum() -> None:
    assert checksum(book(K2_BIDS, K2_ASKS[:10])) == 1259207735


def test_price_and_quantity_become_digits() -> None:
    assert levels(objects(["44939.5", "4.52308393"]))[1] == [b"449395452308393"]


def test_ten_levels_count_whatever_the_depth() -> None:
    deeper = [*K2_ASKS, "45300.0", "1.00000000"]
    assert checksum(book(K2_BIDS, deeper)) == 3310070434


UNUSUAL = [
    b'[{"qty":0.00005100,"price":63347.0}]',
    b'[ {"price" : 63347.0, "qty" : 0.00005100} ]',
    b'[{"price":63347.0,"qty":0.00005100,"orders":3}]',
]


@pytest.mark.parametrize("data", UNUSUAL)
def test_an_unusual_notation_of_a_level_keeps_its_digits(data: bytes) -> None:
    assert levels(Raw(data)) == ([(63347.0, 0.000051)], [b"6334705100"])


def test_an_exponent_is_written_out() -> None:
    assert list(checksum_texts(b'[{"price":1E-9,"qty":5e-05}]', 1)) == [b"15"]


@given(st.lists(st.tuples(st.decimals("0.0001", 99_999, places=4), st.decimals(0, 10, places=8)), min_size=1))
def test_digits_are_the_printed_numbers_without_point_and_leading_zeros(listed: list[tuple[Decimal, Decimal]]) -> None:
    texts = [format(number, "f") for level in listed for number in level]
    digits = [text.replace(".", "").lstrip("0") for text in texts]
    expected = ["".join(pair).encode() for pair in zip(digits[::2], digits[1::2], strict=True)]
    assert levels(objects(texts))[1] == expected


def test_an_exponent_among_usual_numbers_is_written_out() -> None:
    assert list(checksum_texts(b'[{"price":63347.0,"qty":1.5},{"price":2.5,"qty":5e-05}]', 2)) == [b"63347015", b"255"]
