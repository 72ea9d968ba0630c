"""A session answers or closes whatever message it receives; no message raises."""

from functools import cache
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator import Simulator
from simulator.registry import SIMULATORS
from simulator.session import Close, Outgoing, Ping, Pong, SnapshotOf
from tests.simulator.clients import PATHS, SYMBOLS, halted

METHODS = ["SUBSCRIBE", "SET_PROPERTY", "subscribe", "unsubscribe", "ping", "public/subscribe", "public/set_heartbeat"]
METHODS += ["public/get_instruments", "public/get_order_book", "public/ticker", "public/unsubscribe", "public/test"]
WORDS = [*SYMBOLS.values(), "book", "trade", "btcusdt@depth@100ms", "book.BTC-PERPETUAL.100ms", "ticker.", "instrument"]
scalars = st.none() | st.booleans() | st.integers(-5, 2**70) | st.floats(allow_nan=False) | st.sampled_from(WORDS)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner))
FIELDS = ("channel", "symbol", "depth", "channels", "interval", "currency", "instrument_name", "snapshot", "kind")
messages = st.fixed_dictionaries(
    {},
    optional={
        "method": st.sampled_from(METHODS) | values,
        "params": st.dictionaries(st.sampled_from(FIELDS), values) | values,
        "id": values,
        "req_id": values,
    },
)


exchange = cache(lambda venue: Simulator(halted(venue)))


def replies(venue: str, text: bytes) -> list[Outgoing]:
    """Replies of a fresh session to one message."""
    running = exchange(venue)
    session = running.frontend.open_session(PATHS[venue], {}, running.clock())
    assert session is not None
    return list(session.received(text, running.clock()))


@pytest.mark.parametrize("venue", SIMULATORS)
@settings(max_examples=30)
@given(message=messages | values)
def test_a_session_survives_any_message(venue: str, message: Any) -> None:
    outs = replies(venue, msgspec.json.encode(message))
    assert all(isinstance(out, bytes | Ping | Pong | Close | SnapshotOf) for out in outs)
    for out in outs:
        if isinstance(out, bytes):
            msgspec.json.decode(out)


@pytest.mark.parametrize("venue", SIMULATORS)
@settings(max_examples=20)
@given(text=st.binary(max_size=50))
def test_a_session_survives_any_bytes(venue: str, text: bytes) -> None:
    assert replies(venue, text)
