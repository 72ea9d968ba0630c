"""docs/records.md equals the text generated from the code, and names every topic, channel and key."""

from core.topics import TOPICS
from market.options.cache_messages import chain_fields
from market.orderbook.cache_messages import channel_names
from tests.records_page import PAGE, page


def test_the_page_is_generated_from_the_records() -> None:
    assert PAGE.read_text() == page(), "run `make docs` and read the difference"


def test_every_topic_channel_and_key_has_a_section() -> None:
    text = page()
    for topic in TOPICS:
        assert f"\n### `{topic.name}`\n" in text
    for kind in ("orderbook", "trades"):
        assert channel_names(kind, "venue:symbol", "") == (f"{kind}:venue:SYMBOL",)
        assert f"### Channel `{kind}:VENUE:SYMBOL`" in text
    (key,) = chain_fields([b'{"underlying":"BTC","expiry":1782460800000,"event_time":1}'])
    assert key == "chain:BTC:2026-06-26" and "### Key `chain:UNDERLYING:YYYY-MM-DD`" in text
