"""Protocol of Example: streams are subscribed by message."""

from collections.abc import Sequence

import msgspec

from tests.venues.example import constants
from venues.protocol import Accepted, Endpoint, Limits, Refused, Reply, Stream, VenueProtocol

CHANNELS = ("book", "trades")


class _Reply(msgspec.Struct, gc=False):
    op: str = ""
    id: int | None = None
    error: str = ""


_decode = msgspec.json.Decoder(_Reply).decode


def _request(op: str, streams: Sequence[Stream], request: int) -> str:
    names = [f"{stream.channel}:{stream.symbol}" for stream in streams]
    return msgspec.json.encode({"op": op, "id": request, "streams": names}).decode()


def _subscribe(streams: Sequence[Stream], request: int) -> str:
    return _request("subscribe", streams, request)


def _unsubscribe(streams: Sequence[Stream], request: int) -> str:
    return _request("unsubscribe", streams, request)


def parse_reply(frame: bytes) -> Reply | None:
    """Meaning of an acknowledgement or a refusal; None for a heartbeat."""
    found = _decode(frame)
    if found.op == "error":
        return Refused(found.id, found.error)
    return Accepted(found.id) if found.op in ("subscribed", "unsubscribed") else None


EXAMPLE = VenueProtocol(
    venue="example",
    live=Endpoint(constants.WS, constants.REST),
    test=None,
    limits=Limits(
        streams=constants.STREAMS_PER_CONNECTION,
        messages_per_s=constants.MESSAGES_PER_S,
        batch=constants.STREAMS_PER_REQUEST,
        silence_s=constants.SILENCE_S,
    ),
    channels=CHANNELS,
    path=lambda channel: constants.WS_PATH,
    subscribe=_subscribe,
    unsubscribe=_unsubscribe,
    parse_reply=parse_reply,
    has_channel=lambda channel: channel in CHANNELS,
)
