"""Parts of several pages: choice of span, book and chain, errors, charts in UTC, downloads."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone

import altair as alt
import pandas as pd
import streamlit as st

from dashboard import session
from dashboard.exports import as_csv, as_parquet
from dashboard.history import books, options
from dashboard.history.database import History, HistoryError, Span

SPANS = {
    "15 minutes": timedelta(minutes=15),
    "1 hour": timedelta(hours=1),
    "6 hours": timedelta(hours=6),
    "1 day": timedelta(days=1),
    "7 days": timedelta(days=7),
    "30 days": timedelta(days=30),
}
OTHER = "other"
FEW = 60  # a line of so many points at most shows them


def history() -> History:
    """The database of the settings."""
    return History(session.settings().reader_postgres_dsn.get_secret_value())


@contextmanager
def reported_errors() -> Iterator[None]:
    """Show an error of the database in place of the rest of the block."""
    try:
        yield
    except HistoryError as error:
        st.error(f"{str(error)[0].upper()}{str(error)[1:]}.")


def choose_span(default: str = "1 hour") -> Span:
    """The span that the reader chooses: one that ends now, or any other; times are UTC."""
    chosen = st.segmented_control("Span", [*SPANS, OTHER], default=default, key="span") or default
    now = datetime.now(timezone.utc)
    if chosen != OTHER:
        return Span(now - SPANS[chosen], now)
    start_column, end_column = st.columns(2)
    start = start_column.datetime_input("From (UTC)", now - timedelta(days=1), key="span_from")
    end = end_column.datetime_input("Until (UTC)", now, key="span_until")
    span = Span(start.replace(tzinfo=timezone.utc), end.replace(tzinfo=timezone.utc))
    if span.seconds <= 0:
        st.warning("The span ends before it begins.")
        st.stop()
    return span


def choose_book() -> tuple[str, str]:
    """The book that the reader chooses. Ends the page where the database has none."""
    return _choose("Book", books.books(history()), "No book has metrics yet: `depthflow submit analytics` stores them.")


def choose_chain() -> tuple[str, str]:
    """The option chain that the reader chooses. Ends the page where the database has none."""
    return _choose("Chain", options.chains(history()), "No option chain is stored yet.")


def _choose(label: str, found: list[tuple[str, str]], missing: str) -> tuple[str, str]:
    if not found:
        st.info(missing)
        st.stop()
    return st.selectbox(label, found, format_func=":".join, key=label.lower()) or found[0]


def show_rows(table: pd.DataFrame, name: str) -> None:
    """The rows as a table, and as CSV and Parquet to download. `name`: stem of the files."""
    with st.expander(f"Rows: {len(table):,}"):
        show_table(table)
    downloads(table, name)


def show_table(table: pd.DataFrame, columns: list[str] | None = None) -> None:
    """A table with its times in UTC. `columns`: those that are shown, by default all."""
    times = table.select_dtypes("datetimetz").columns
    formats = {each: st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm:ss", timezone="UTC") for each in times}
    st.dataframe(table, hide_index=True, column_order=columns, column_config=formats)


def downloads(table: pd.DataFrame, name: str) -> None:
    """Buttons that download the table as CSV and as Parquet; the file is made at the click."""
    kinds: dict[str, tuple[Callable[[pd.DataFrame], bytes], str]] = {
        "csv": (as_csv, "text/csv"),
        "parquet": (as_parquet, "application/vnd.apache.parquet"),
    }
    with st.container(horizontal=True):
        for kind, (encode, media_type) in kinds.items():
            st.download_button(
                kind.upper() if kind == "csv" else "Parquet",
                data=lambda encode=encode: encode(table),  # type: ignore[misc]
                file_name=f"{name}.{kind}",
                mime=media_type,
                key=f"{name}.{kind}",
                on_click="ignore",
                disabled=table.empty,
            )


def time_axis(field: str = "time") -> alt.X:
    """The horizontal axis of times in UTC."""
    return alt.X(f"{field}:T", title=None, scale=alt.Scale(type="utc"))


def line_chart(table: pd.DataFrame, columns: list[str], title: str, axis_format: str = "") -> None:
    """Columns of a table over its `time` as lines, in UTC. A null interrupts its line."""
    names = {each: each.replace("_", " ") for each in columns}
    chart = (
        alt.Chart(table[["time", *columns]].rename(columns=names))
        .transform_calculate(utc="utcFormat(datum.time, '%Y-%m-%d %H:%M:%S')")
        .transform_fold([*names.values()], as_=["series", "value"])
        .mark_line(clip=True, point=len(table) <= FEW)
        .encode(
            x=time_axis(),
            y=alt.Y("value:Q", title=title, scale=alt.Scale(zero=False), axis=alt.Axis(format=axis_format)),
            color=alt.Color("series:N", title=None, sort=[*names.values()], legend=alt.Legend(orient="top")),
            tooltip=["utc:N", "series:N", alt.Tooltip("value:Q", format=axis_format or ".6~g")],
        )
        .properties(height=260)
    )
    st.altair_chart(chart)
