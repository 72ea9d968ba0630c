"""Realised volatility of a book's mid, and volatility that options expect."""

import pandas as pd

from dashboard.history.database import History, Span

STEPS = ((6 * 3600, "15 minutes"), (14 * 86_400, "1 hour"))  # longest span of a step in seconds; above them a day
MINUTES_PER_YEAR = 365 * 24 * 60

# Returns between minutes that follow each other: a hole in the records is no return.
REALISED = (
    "WITH minutes AS (SELECT bucket, ln(mid_high / mid_low) AS height, "
    "CASE WHEN bucket - lag(bucket) OVER byminute = interval '1 minute' "
    "THEN ln(mid_close / lag(mid_close) OVER byminute) END AS step "
    "FROM orderbook_metrics_1m WHERE venue = %(venue)s AND symbol = %(symbol)s AND mid_low > 0 "
    "AND bucket >= %(start)s AND bucket < %(end)s WINDOW byminute AS (ORDER BY bucket)) "
    "SELECT date_bin(%(step)s::interval, bucket, 'epoch') AS time, count(*) AS minutes, "
    "sqrt(avg(step ^ 2) * %(year)s)::double precision AS realised, "
    "sqrt(avg(height ^ 2) / (4 * ln(2)) * %(year)s)::double precision AS range_based "
    "FROM minutes GROUP BY 1 ORDER BY 1"
)
EXPECTED = (
    "SELECT bucket AS time, iv FROM option_iv_30d WHERE venue = %(venue)s AND underlying = %(underlying)s "
    "AND bucket >= %(start)s AND bucket < %(end)s ORDER BY bucket"
)


def volatility_step(span: Span) -> str:
    """The step over which the volatility of a span is measured."""
    return next((step for longest, step in STEPS if span.seconds <= longest), "1 day")


def realised(history: History, book: tuple[str, str], span: Span, step: str) -> pd.DataFrame:
    """Volatility of each step, annualised fractions, oldest first.

    `realised`: root of the mean squared return of a minute; `range_based`: Parkinson's estimate, of the highest and
    lowest mid of each minute; `minutes`: minutes with a record.
    """
    given = {"venue": book[0], "symbol": book[1], "start": span.start, "end": span.end}
    return history.frame(REALISED, given | {"step": step, "year": MINUTES_PER_YEAR})


def expected(history: History, chain: tuple[str, str], span: Span) -> pd.DataFrame:
    """Volatility at the money at 30 days of an option chain by hour, an annualised fraction, oldest first."""
    given = {"venue": chain[0], "underlying": chain[1], "start": span.start, "end": span.end}
    return history.frame(EXPECTED, given)


def beside(realised: pd.DataFrame, expected: pd.DataFrame, step: str) -> pd.DataFrame:
    """`realised` with the column `expected_30d`: the hour nearest to the begin of each step, within half of a step.

    Rows of both times would interrupt each line at the rows of the other.
    """
    within = max(pd.Timedelta(step) / 2, pd.Timedelta("1 hour"))
    given = expected.rename(columns={"iv": "expected_30d"})
    return pd.merge_asof(realised, given, on="time", direction="nearest", tolerance=within)
