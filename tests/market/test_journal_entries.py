"""The version of a journal's entry is read without its other elements."""

import msgspec
import pytest

from market.journal_entries import version_of


@pytest.mark.parametrize("entry", [[1], [7, b"header", [[True, b""]], {"later": None}], ["beta", 2.5]])
def test_the_version_is_the_first_element_whatever_follows(entry: list[object]) -> None:
    assert version_of(msgspec.msgpack.encode(entry)) == entry[0]


def test_an_entry_without_elements_is_an_error() -> None:
    with pytest.raises(msgspec.ValidationError, match="Expected `array` of at least length 1, got 0"):
        version_of(msgspec.msgpack.encode([]))
