"""Alerts: a feed, and a heat map by rule and hour."""

from datetime import datetime, timedelta, timezone

import altair as alt
import pandas as pd
import streamlit as st

from dashboard import widgets
from dashboard.history import alerts, books
from dashboard.history.alerts import AlertFilter
from dashboard.history.database import Span

NEWEST, REFRESH_S = 10, 5
SEVERITIES = ("high", "medium", "info")
SHOWN = ["time", "severity", "phase", "venue", "symbol", "rule", "value", "threshold", "message"]


def page() -> None:
    """Newest alerts, the heat map, and every alert of a span."""
    st.title("Alerts")
    newest()
    span = widgets.choose_span("1 day")
    with widgets.reported_errors():
        wanted = _filter(span)
        hours = alerts.by_rule_and_hour(widgets.history(), span, wanted)
        found = alerts.feed(widgets.history(), span, wanted)
        if found.empty:
            st.info("No alert in this span.")
            return
        heat_map(hours)
        if len(found) == alerts.MAX_ALERTS:
            st.caption(f"The newest {alerts.MAX_ALERTS:,} alerts of the span.")
        widgets.show_table(found, SHOWN)
        widgets.downloads(found, "alerts")
        widgets.downloads(hours, "alerts-by-hour")


@st.fragment(run_every=REFRESH_S)
def newest() -> None:
    """The newest alerts of the last hour, read again every few seconds."""
    now = datetime.now(timezone.utc)
    with widgets.reported_errors():
        found = alerts.feed(widgets.history(), Span(now - timedelta(hours=1), now), AlertFilter(), NEWEST)
        st.subheader("Newest")
        widgets.show_table(found, SHOWN)


def heat_map(hours: pd.DataFrame) -> None:
    """Alerts that began, by rule and hour or hour of the day (UTC)."""
    by_day = st.toggle("Hours of the day", key="by_day", help="Sum the days of the span by hour of the day.")
    field, shown = ("utchours(hour):O", "%H:00") if by_day else ("utcyearmonthdatehours(hour):O", "%d %b %H:00")
    x = alt.X(field, title="hour (UTC)", axis=alt.Axis(format=shown, labelOverlap=True))
    chart = (
        alt.Chart(hours)
        .mark_rect()
        .encode(
            x=x,
            y=alt.Y("rule:N", title=None),
            color=alt.Color(
                "sum(alerts):Q", title="alerts", scale=alt.Scale(scheme="orangered"), legend=alt.Legend(format="d")
            ),
            tooltip=["rule:N", alt.Tooltip("sum(alerts):Q", title="alerts"), alt.Tooltip("sum(high):Q", title="high")],
        )
    )
    st.altair_chart(chart)


def _filter(span: Span) -> AlertFilter:
    rule_column, severity_column, book_column = st.columns(3)
    rule = rule_column.selectbox("Rule", alerts.rules(widgets.history(), span), index=None, placeholder="all")
    severity = severity_column.selectbox("Severity", SEVERITIES, index=None, placeholder="all")
    found = books.books(widgets.history())
    book = book_column.selectbox("Book", found, index=None, placeholder="all", format_func=":".join)
    venue, symbol = book or (None, None)
    return AlertFilter(rule, severity, venue, symbol)


if __name__ == "__main__":
    page()
