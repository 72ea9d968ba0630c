"""The records of the options topics, as msgspec Structs. Field names are contracts: they change by adding.

Conventions of `market.records` hold: times in epoch ms UTC, None is undefined and `flags` say why. Volatilities are
fractions a year. Money is in the chain's quote currency (USD; USDC for `*_USDC`; rupees for NIFTY), open interest and
volume in the base unit (coin). `gamma` fields are Black-76 on our own, never the venue's rounded ones.
"""

from typing import Literal

from msgspec import Struct

from market.options.buildup import BuildUp
from market.options.forward import Source
from market.options.smile import PriceSource


class ChainRecord(Struct, frozen=True, gc=False):
    """One expiry of one chain at one second of event time; topic `options.chain`.

    What it is: `expiry`, `linear` (quoted in money; else in coin), `strikes` and `options` listed, `years` left,
    `forward` with its `forward_source`, `index_price`.

    Positioning (analytics.md §5.1, §5.2): sums of open interest and of rolling 24 h volume, put-call ratios as ratios
    of sums, `max_pain` with the tie `max_pain_low` to `max_pain_high`, its payout `pain`, `max_pain_coin` for the coin
    payout; walls: the strikes with the most open interest; premium: open interest at the mark.

    Volatility (§4.4, §5.3) from the venue's mark volatility: `straddle` of the at-the-money strike, `straddle_coin` and
    `implied_move` as shares of the forward (the former for inverse chains only), from mids or marks;
    `risk_reversal_25` = call - put; `butterfly_25` FX convention; `skew_slope` by ln(K/F); `forward_vol` from the
    expiry before, with `forward_variance` (negative: flag `calendar`, no volatility).

    Exposure (§5.4), naive scenario "long calls, short puts" and gross, per 1 % move of the forward; `zero_gamma`: the
    forward nearest by where the naive sum is zero, volatilities held by strike.

    Fit of raw SVI in total variance and ln(K/F) with its errors of volatility; `svi_butterfly`: least g(k) over the
    fitted strikes; `svi_calendar`: least difference of total variance to the expiry before. Negative ones are
    arbitrage and flagged `butterfly`, `calendar`.
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
    forward_source: Source | None
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


class SurfaceRecord(Struct, frozen=True, gc=False):
    """One option at one second of event time; topic `options.surface`.

    Prices as quoted: coin for inverse options, quote currency for linear ones; `quote_time` is the venue's. `forward`:
    the one the volatilities are on. `bid_iv`, `ask_iv`, `iv` are our own of bid, ask and mark; `mark_iv` the venue's;
    `fit_iv` the fitted curve's. Greeks from `mark_iv`, else `iv`, in the units of `market.options.black`, running
    out over the last half hour; `net_delta`: delta less the mark in coin, of inverse options. `gamma_usd`:
    gross gamma exposure of its open interest in money per 1 % move. `build_up`: since the sample that
    the present window of time began with. `flags`: `crossed`, and `bid:`, `ask:`, `mark:` with the reason why the
    volatility is None (`market.options.implied.Reason`).
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


class UnderlyingTick(Struct, frozen=True, gc=False):
    """One chain at one second of event time, all its expiries together; topic `underlying_ticks`.

    Ratios are ratios of sums over all expiries. `zero_gamma`: the index level at which the naive gamma of the whole
    chain is zero, every forward moving by the same fraction.
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
