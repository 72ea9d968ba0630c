"""Imbalance of a book against the return after it."""

import altair as alt
import pandas as pd
import streamlit as st

from dashboard import widgets
from dashboard.history import books

HORIZONS_S = (1, 5, 10, 30, 60)


def page() -> None:
    """Mean return after each group of imbalances, and correlations by horizon."""
    st.title("Imbalance and returns")
    with widgets.reported_errors():
        book = widgets.choose_book()
        span = widgets.choose_span("6 hours")
        horizon_s = st.segmented_control("Horizon, s", HORIZONS_S, default=10, key="horizon") or 10
        found = books.returns_by_imbalance(widgets.history(), book, span, horizon_s)
        if found.empty:
            st.info("No second of this book in the span has a return.")
            return
        returns(found, horizon_s)
        st.caption(
            "Return of the mid over the horizon, in basis points, by the imbalance before it, with two standard "
            "errors on either side. Seconds overlap: the error counts one return for each horizon. A second is left "
            "out if the book lost its stream within the horizon."
        )
        correlations = books.imbalance_correlations(widgets.history(), book, span, HORIZONS_S)
        widgets.show_table(correlations)
        widgets.show_rows(found, f"returns-after-imbalance-{horizon_s}s")


def returns(found: pd.DataFrame, horizon_s: int) -> None:
    """Bars of mean returns with two standard errors on either side."""
    width = 1 / books.GROUPS
    base = alt.Chart(found).transform_calculate(
        until=f"datum.imbalance_from + {width}",
        middle=f"datum.imbalance_from + {width / 2}",
        low="datum.return_bps - 2 * datum.error_bps",
        high="datum.return_bps + 2 * datum.error_bps",
    )
    bars = base.mark_bar().encode(
        x=alt.X("imbalance_from:Q", bin="binned", title="imbalance", scale=alt.Scale(domain=[-1, 1])),
        x2="until:Q",
        y=alt.Y("return_bps:Q", title=f"return after {horizon_s} s, bp"),
        tooltip=["seconds:Q", *(alt.Tooltip(f"{each}:Q", format=".3f") for each in ("return_bps", "error_bps", "up"))],
    )
    errors = base.mark_rule().encode(x="middle:Q", y="low:Q", y2="high:Q")
    st.altair_chart(alt.layer(bars, errors).properties(height=320))


if __name__ == "__main__":
    page()
