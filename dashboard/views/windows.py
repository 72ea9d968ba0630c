"""Windowed statistics of a book."""

import streamlit as st

from dashboard import widgets
from dashboard.history import books
from venues.registry import size_unit


def page() -> None:
    """Statistics over the windows of a span, and the windows as lines."""
    st.title("Windows")
    with widgets.reported_errors():
        book = widgets.choose_book()
        span = widgets.choose_span()
        size = books.window_size(span)
        found = books.windows(widgets.history(), book, span, size)
        if found.empty:
            st.info("No window of this book in the span.")
            return
        st.caption(f"Windows of {size}; means are weighted by time. Out of sync: share of the window.")
        statistics = books.window_statistics(widgets.history(), book, span, size)
        widgets.show_table(statistics)
        widgets.downloads(statistics, "window-statistics")
        if len(found) == books.MAX_ROWS:
            st.caption(f"The first {books.MAX_ROWS:,} windows of the span are drawn.")
        widgets.line_chart(found, ["imbalance_low", "imbalance_twa", "imbalance_high"], "imbalance")
        widgets.line_chart(found, ["spread_bps_mean"], "spread, bp")
        widgets.line_chart(found, ["bid_depth_mean", "ask_depth_mean"], f"depth, {size_unit(*book)}")
        widgets.line_chart(found, ["ofi_sum"], f"order-flow imbalance, {size_unit(*book)}")
        widgets.line_chart(found, ["microprice_last"], "microprice")
        widgets.line_chart(found, ["out_of_sync"], "out of sync", "%")
        widgets.show_rows(found, f"windows-{size}")


if __name__ == "__main__":
    page()
