"""Reads off a frame what its envelope must say. One labeller a venue, shared by recordings and forwarders.

A labeller raises one of FRAME_ERRORS: of decoding on bytes that are not such JSON, UnlabelledError on JSON that the
venue is not known to send.
"""

from collections.abc import Callable

from ingestion.labels.binance import label_binance
from ingestion.labels.deribit import label_deribit
from ingestion.labels.kraken import KrakenLabeller
from ingestion.labels.label import FRAME_ERRORS, Label, UnlabelledError

__all__ = ["FRAME_ERRORS", "VENUES", "Label", "Labeller", "UnlabelledError", "labeller"]

Labeller = Callable[[bytes], Label]
VENUES = ("binance", "binance_usdm", "kraken", "deribit")


def labeller(venue: str) -> Labeller:
    """Labeller of one connection or recording: Kraken's remembers what was subscribed. KeyError: unknown venue."""
    makers: dict[str, Callable[[], Labeller]] = {
        "binance": lambda: label_binance,
        "binance_usdm": lambda: label_binance,
        "kraken": KrakenLabeller,
        "deribit": lambda: label_deribit,
    }
    return makers[venue]()
