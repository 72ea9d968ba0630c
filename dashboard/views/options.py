"""History of an option chain: put-call ratios, volatility at the money, max pain."""

import streamlit as st

from dashboard import widgets
from dashboard.history import options


def page() -> None:
    """One expiry of a chain over a span, and the ratios over all expiries."""
    st.title("Options")
    with widgets.reported_errors():
        chain = widgets.choose_chain()
        span = widgets.choose_span("1 day")
        whole = options.of_underlying(widgets.history(), chain, span)
        expiries = options.expiries(widgets.history(), chain, span)
        if whole.empty or not expiries:
            st.info("Nothing of this chain in the span.")
            return
        st.subheader("All expiries")
        widgets.line_chart(whole, ["pcr_open_interest", "pcr_volume"], "put-call ratio")
        widgets.show_rows(whole, f"underlying-{options.resolution(span)}")
        st.subheader("One expiry")
        expiry = st.selectbox("Expiry", expiries, format_func=lambda each: f"{each:%Y-%m-%d %H:%M} UTC", key="expiry")
        found = options.of_expiry(widgets.history(), chain, expiry or expiries[0], span)
        widgets.line_chart(found, ["pcr_open_interest", "pcr_volume"], "put-call ratio")
        widgets.line_chart(found, ["atm_iv"], "volatility at the money", ".1%")
        widgets.line_chart(found, ["max_pain", "forward"], "max pain and forward")
        widgets.show_rows(found, f"expiry-{options.resolution(span)}")


if __name__ == "__main__":
    page()
