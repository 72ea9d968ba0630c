"""Realised volatility of a book, beside the volatility that options expect."""

import streamlit as st

from dashboard import widgets
from dashboard.history import options, volatility


def page() -> None:
    """Volatility of each step of a span, and of an option chain if one is chosen."""
    st.title("Volatility")
    with widgets.reported_errors():
        book = widgets.choose_book()
        chains = options.chains(widgets.history())
        chain = st.selectbox(
            "Expected by", chains, index=None, placeholder="no chain", format_func=":".join, key="chain"
        )
        span = widgets.choose_span("1 day")
        step = volatility.volatility_step(span)
        found = volatility.realised(widgets.history(), book, span, step)
        if found.empty:
            st.info("No minute of this book in the span.")
            return
        series = ["realised", "range_based"]
        if chain is not None:
            found = volatility.beside(found, volatility.expected(widgets.history(), chain, span), step)
            series.append("expected_30d")
        widgets.line_chart(found, series, f"volatility of {step}, annualised", ".1%")
        st.caption(
            "Realised: returns of the mid from minute to minute. Range-based: Parkinson's estimate from the highest "
            "and lowest mid of each minute. Expected: at the begin of each step. A year has 365 days."
        )
        widgets.show_rows(found, "volatility")


if __name__ == "__main__":
    page()
