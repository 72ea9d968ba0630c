"""Bodies of the answers about options."""

from msgspec import Struct

from gateway.freshness import Freshness
from market.options.records import ChainRecord, SurfaceRecord, UnderlyingTick


class Underlying(Struct):
    """Seconds of an underlying, newest first."""

    product: str
    count: int
    ticks: list[UnderlyingTick]
    freshness: Freshness


class FullChain(Struct):
    """One expiry at one second: its summary, and its calls and puts by strike."""

    expiry: str
    spot_price: float | None
    summary: ChainRecord
    calls: list[SurfaceRecord]
    puts: list[SurfaceRecord]


class ChainList(Struct):
    """Full chains, newest first and nearest expiry first."""

    product: str
    count: int
    chains: list[FullChain]
    freshness: Freshness


class PutCallMinute(Struct):
    """Put-call ratios at the end of a minute."""

    time: int
    pcr_open_interest: float | None
    pcr_volume: float | None


class PutCall(Struct):
    """Put-call ratios of all expiries: newest second, and minutes of the last day, oldest first."""

    product: str
    latest: PutCallMinute
    history: list[PutCallMinute]
    freshness: Freshness


class Svi(Struct):
    """Raw SVI in total variance and ln(K/F), with the number of its points and its error in volatility."""

    a: float | None
    b: float | None
    rho: float | None
    m: float | None
    s: float | None
    points: int
    rmse: float | None


class Smile(Struct):
    """Volatilities of one expiry by strike, of the option out of the money: exchange's, bid, ask and fitted."""

    expiry: str
    days: float
    forward: float | None
    atm_iv: float | None
    strikes: list[float]
    kinds: list[str]
    deltas: list[float | None]
    ivs: list[float | None]
    bid_ivs: list[float | None]
    ask_ivs: list[float | None]
    fit_ivs: list[float | None]
    svi: Svi
    flags: list[str]


class Surface(Struct):
    product: str
    expiries: list[Smile]
    freshness: Freshness


class TermRow(Struct):
    """One expiry. `expected_move` in price; `implied_move` as a fraction of the forward."""

    expiry: str
    days: float
    forward: float | None
    atm_iv: float | None
    forward_vol: float | None
    implied_move: float | None
    straddle: float | None
    risk_reversal_25: float | None
    butterfly_25: float | None
    skew_slope: float | None
    expected_move: float | None
    flags: list[str]


class TermStructure(Struct):
    product: str
    spot_price: float | None
    expiries: list[TermRow]
    freshness: Freshness


class ExposureRow(Struct):
    """Gamma of one strike in the quote currency per 1 % move; naive: calls less puts."""

    strike: float
    call_gamma: float
    put_gamma: float
    gross: float
    naive: float


class Exposure(Struct):
    """Gamma by strike. `zero_gamma`: level at which the naive sum is zero."""

    product: str
    expiry: str | None
    spot_price: float | None
    zero_gamma: float | None
    strikes: list[ExposureRow]
    freshness: Freshness


class InterestRow(Struct):
    """Open interest of one strike in base units, and its change over an hour; null where it is unknown."""

    strike: float
    calls: float
    puts: float
    calls_change_1h: float | None
    puts_change_1h: float | None


class OpenInterest(Struct):
    """Open interest by strike; walls are the strikes with the most, of one expiry or of all together."""

    product: str
    expiry: str | None
    spot_price: float | None
    call_wall: float | None
    put_wall: float | None
    strikes: list[InterestRow]
    freshness: Freshness


class MaxPainRow(Struct):
    """Max pain of one expiry; `distance_from_spot` in price, `distance_share` as a fraction of the spot."""

    expiry: str
    max_pain_strike: float | None
    max_pain_low: float | None
    max_pain_high: float | None
    spot_price: float | None
    distance_from_spot: float | None
    distance_share: float | None
    pcr_open_interest: float | None


class MaxPain(MaxPainRow, kw_only=True):
    """Max pain of the expiry that was asked for or the nearest one, and of every expiry."""

    product: str
    expiries: list[MaxPainRow]
    freshness: Freshness
