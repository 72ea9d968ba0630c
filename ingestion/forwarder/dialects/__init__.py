"""How each exchange is spoken to. One module a venue: addresses, limits, requests, and what its replies mean."""

from ingestion.forwarder.dialects.binance import BINANCE, BINANCE_USDM
from ingestion.forwarder.dialects.deribit import DERIBIT
from ingestion.forwarder.dialects.dialect import (
    Accepted,
    Answer,
    Dialect,
    Endpoint,
    Leaving,
    Limits,
    Refused,
    Reply,
    RestDepth,
    Stream,
)
from ingestion.forwarder.dialects.kraken import KRAKEN

__all__ = [
    "DIALECTS",
    "Accepted",
    "Answer",
    "Dialect",
    "Endpoint",
    "Leaving",
    "Limits",
    "Refused",
    "Reply",
    "RestDepth",
    "Stream",
]

DIALECTS = {dialect.venue: dialect for dialect in (BINANCE, BINANCE_USDM, KRAKEN, DERIBIT)}
