"""Option chains: put-call ratios, volatility at the money, max pain."""

from datetime import datetime

import pandas as pd

from dashboard.history.database import History, Span

LONGEST_MINUTES_S = 3 * 86_400  # longest span that is shown by minute

CHAINS = "SELECT venue, underlying FROM option_chains ORDER BY venue, underlying"
EXPIRIES = (
    "SELECT DISTINCT expiry FROM option_chain_metrics WHERE venue = %(venue)s AND underlying = %(underlying)s "
    "AND ts >= %(start)s AND ts < %(end)s ORDER BY expiry"
)
_OF_CHAIN = "venue = %(venue)s AND underlying = %(underlying)s AND bucket >= %(start)s AND bucket < %(end)s"
OF_EXPIRY = (
    "SELECT bucket AS time, forward, pcr_open_interest, pcr_volume, atm_iv_close AS atm_iv, implied_move, max_pain, "
    "(max_pain - forward) / nullif(forward, 0) AS max_pain_distance, risk_reversal_25, call_open_interest, "
    "put_open_interest FROM {table} WHERE " + _OF_CHAIN + " AND expiry = %(expiry)s ORDER BY bucket"
)
OF_UNDERLYING = (
    "SELECT bucket AS time, index_close AS index_price, pcr_open_interest, pcr_volume, gamma_naive, zero_gamma "
    "FROM {table} WHERE " + _OF_CHAIN + " ORDER BY bucket"
)


def chains(history: History) -> list[tuple[str, str]]:
    """Venue and underlying of every option chain, by name."""
    found = history.frame(CHAINS)
    return list(zip(found["venue"], found["underlying"], strict=True))


def resolution(span: Span) -> str:
    """The resolution of a span: 1m or 1h."""
    return "1m" if span.seconds <= LONGEST_MINUTES_S else "1h"


def expiries(history: History, chain: tuple[str, str], span: Span) -> list[datetime]:
    """Expiries with a record in the span, nearest first."""
    return [each.to_pydatetime() for each in history.frame(EXPIRIES, _of(chain, span))["expiry"]]


def of_expiry(history: History, chain: tuple[str, str], expiry: datetime, span: Span) -> pd.DataFrame:
    """History of one expiry by `resolution`, oldest first. Volatilities are annualised fractions, prices in quote."""
    table = f"option_chain_{resolution(span)}"
    return history.frame(OF_EXPIRY.format(table=table), _of(chain, span) | {"expiry": expiry})


def of_underlying(history: History, chain: tuple[str, str], span: Span) -> pd.DataFrame:
    """History over all expiries by `resolution`, oldest first."""
    return history.frame(OF_UNDERLYING.format(table=f"underlying_ticks_{resolution(span)}"), _of(chain, span))


def _of(chain: tuple[str, str], span: Span) -> dict[str, object]:
    return {"venue": chain[0], "underlying": chain[1], "start": span.start, "end": span.end}
