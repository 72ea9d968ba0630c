"""The recorded option frames, as the tests of `market/options` read them."""

from tests.market.options.conftest import recorded_events, recorded_lines, summary_frame

__all__ = ["recorded_events", "recorded_lines", "summary_frame"]
