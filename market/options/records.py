"""Records of the options topics. Field names are contracts: they change by adding. Formulas: docs/metrics.md.

The conventions of `core.records` hold: times are epoch ms UTC; None is undefined, and `flags` give the reason.
Volatilities are fractions a year. Amounts of money are in the chain's quote currency (USD or USDC; `_usd` in a name
stands for it), open interest and volume in the base unit (coin). Greeks are computed from Black-76; published
ones, which are rounded, are not used.
"""

from typing import Literal

from msgspec import Struct

from market.options.kinds import BuildUp, ForwardSource, PriceSource


class ChainRecord(Struct, frozen=True, gc=False):
    """One expiry of one chain at one second of event time; topic `options.chain`.

    Identity: `expiry`; `linear`: quoted in the quote currency, otherwise in coin; `strikes` and `options`: number
    quoted; `years` to the expiry; `forward` with its `forward_source`; `index_price`.

    Positioning: sums of open interest and of rolling 24 h volume; put-call ratios as ratios of sums; `max_pain` with
    its range of ties `max_pain_low` to `max_pain_high`; `pain`: payout at `max_pain`; `max_pain_coin`: strike of the
    least payout in coin; `call_wall`, `put_wall`: strikes with the most open interest; `call_premium`, `put_premium`:
    open interest times mark price.

    Volatility, from the exchange's mark volatility: `straddle` of the at-the-money strike, from mids or marks;
    `straddle_coin` (inverse chains only) and `implied_move` as fractions of the forward; `risk_reversal_25` = call -
    put; `butterfly_25` in the FX convention; `skew_slope` per ln(K/F); `forward_vol` and `forward_variance` from the
    previous expiry. A negative `forward_variance` has the flag `calendar` and no `forward_vol`.

    Exposure per 1 % move of the forward: gross, and naive (dealers long calls, short puts). `zero_gamma`: nearest
    level of the forward at which the naive sum is zero, with volatilities fixed by strike.

    Fit of raw SVI in total variance and ln(K/F), with its errors of volatility. `svi_butterfly`: least g(k) over the
    fitted strikes; `svi_calendar`: least difference of total variance to the previous fitted expiry. Negative values
    are arbitrage and have the flags `butterfly` and `calendar`.

    `quote_age_ms`: age of the expiry's newest quote. `stale_options`: options whose quote is too old for forward and
    smile (flag `stale_quotes`). `refused_options`: options whose newest row was refused (flag `refused_rows`); sums
    have their quotes before it, or lack them.
    """

    venue: str
    underlying: str
    expiry: int
    event_time: int
    linear: bool
    strikes: int
    options: int
    years: float
    forward: float | None
    forward_source: ForwardSource | None
    index_price: float | None
    call_open_interest: float
    put_open_interest: float
    pcr_open_interest: float | None
    call_volume: float
    put_volume: float
    pcr_volume: float | None
    max_pain: float | None
    max_pain_low: float | None
    max_pain_high: float | None
    pain: float | None
    max_pain_coin: float | None
    call_wall: float | None
    put_wall: float | None
    call_premium: float
    put_premium: float
    atm_strike: float | None
    straddle: float | None
    straddle_coin: float | None
    straddle_source: PriceSource | None
    implied_move: float | None
    atm_iv: float | None
    risk_reversal_25: float | None
    butterfly_25: float | None
    skew_slope: float | None
    forward_variance: float | None
    forward_vol: float | None
    gamma_gross: float
    gamma_naive: float
    zero_gamma: float | None
    svi_a: float | None
    svi_b: float | None
    svi_rho: float | None
    svi_m: float | None
    svi_s: float | None
    svi_points: int
    svi_rmse: float | None
    svi_worst: float | None
    svi_butterfly: float | None
    svi_calendar: float | None
    flags: list[str]
    quote_age_ms: int | None = None
    stale_options: int = 0
    refused_options: int = 0


class SurfaceRecord(Struct, frozen=True, gc=False):
    """One option at one second of event time; topic `options.surface`.

    Prices as quoted: coin for inverse options, quote currency for linear ones. `quote_time` is the exchange's.
    `forward`: the forward that the volatilities use. `bid_iv`, `ask_iv`, `iv`: our own volatilities of bid, ask and
    mark; `mark_iv`: the exchange's; `fit_iv`: the fitted curve's. Greeks are from `mark_iv`, or from `iv` without one,
    in the units of `market.options.black76`, and decay over the last 30 minutes. `net_delta`: delta less the mark in
    coin, for inverse options. `gamma_usd`: gross gamma exposure of the open interest in the quote currency per 1 %
    move. `build_up`: class of the change since the first sample of the current window. `flags`: `crossed`, and `bid:`,
    `ask:`, `mark:` with the reason why the volatility is None (`market.options.implied_vol.Reason`), `undetermined` for
    an `iv` that one printed unit moves by a point, `bid_undetermined` and `ask_undetermined` for those of the quotes,
    `stale_quotes`. `quote_age_ms`: `event_time` - `quote_time`.
    """

    venue: str
    underlying: str
    instrument: str
    expiry: int
    strike: float
    kind: Literal["call", "put"]
    event_time: int
    quote_time: int
    forward: float | None
    bid: float | None
    bid_size: float | None
    ask: float | None
    ask_size: float | None
    mark: float | None
    bid_iv: float | None
    ask_iv: float | None
    iv: float | None
    mark_iv: float | None
    fit_iv: float | None
    delta: float | None
    net_delta: float | None
    gamma: float | None
    vega: float | None
    theta: float | None
    open_interest: float | None
    volume: float | None
    gamma_usd: float
    build_up: BuildUp | None
    flags: list[str]
    quote_age_ms: int | None = None


class UnderlyingTick(Struct, frozen=True, gc=False):
    """All expiries of one chain at one second of event time; topic `underlying_ticks`.

    Ratios are ratios of sums over all expiries. `zero_gamma`: level of the index at which the naive gamma of the whole
    chain is zero when all forwards move by the same fraction. `flags`: `stale_quotes` and `refused_rows` of any expiry.
    """

    venue: str
    underlying: str
    event_time: int
    index_price: float | None
    options: int
    expiries: int
    call_open_interest: float
    put_open_interest: float
    pcr_open_interest: float | None
    pcr_volume: float | None
    gamma_gross: float
    gamma_naive: float
    zero_gamma: float | None
    flags: list[str] = []
