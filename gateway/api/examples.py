"""Examples of answers in the OpenAPI document."""

from typing import Any

NOW = 1795723449326
VENUE, SYMBOL, PRODUCT = "exchange", "BTCUSDT", "BTC"
FRESH = {
    "source": "redis",
    "event_time": NOW,
    "age_ms": 42,
    "trusted": True,
    "state": "synced",
    "reason": "snapshot",
    "since": NOW - 60_000,
}
STORED = FRESH | {"source": "database"}
BOOK_RECORD: dict[str, Any] = {
    "venue": VENUE,
    "symbol": SYMBOL,
    "event_time": NOW,
    "update_id": 1795723414775106,
    "best_bid": 61799.9,
    "best_ask": 61799.92,
    "mid": 61799.91,
    "imbalance": -0.102,
    "bids": [[61799.9, 0.09473]],
    "asks": [[61799.92, 0.20125]],
}
BOOK = {"book": BOOK_RECORD, "freshness": FRESH}
BOOKS = {"count": 1, "books": [BOOK]}
PRODUCTS = {
    "products": [
        {"type": "underlying", "venue": VENUE, "symbol": PRODUCT, "size_unit": "BTC"},
        {"type": "book", "venue": VENUE, "symbol": SYMBOL, "size_unit": "BTC"},
    ]
}
TICK = {
    "venue": VENUE,
    "underlying": PRODUCT,
    "event_time": NOW,
    "index_price": 61799.9,
    "options": 862,
    "expiries": 11,
    "call_open_interest": 14210.5,
    "put_open_interest": 12004.1,
    "pcr_open_interest": 0.845,
    "pcr_volume": 0.71,
    "gamma_gross": 81250000.0,
    "gamma_naive": 10400000.0,
    "zero_gamma": 60110.0,
    "flags": [],
}
UNDERLYING = {"product": PRODUCT, "count": 1, "ticks": [TICK], "freshness": FRESH}
CHAIN = {"product": PRODUCT, "count": 0, "chains": [], "freshness": FRESH}
RATIOS = {"time": NOW, "pcr_open_interest": 0.845, "pcr_volume": 0.71}
PCR = {"product": PRODUCT, "latest": RATIOS, "history": [RATIOS], "freshness": FRESH}
SMILE = {
    "expiry": "2026-12-25",
    "days": 29.2,
    "forward": 61974.6,
    "atm_iv": 0.537,
    "strikes": [60000.0, 62000.0],
    "kinds": ["put", "call"],
    "deltas": [-0.38, 0.5],
    "ivs": [0.551, 0.537],
    "bid_ivs": [0.546, 0.533],
    "ask_ivs": [0.556, 0.541],
    "fit_ivs": [0.5507, 0.5372],
    "svi": {"a": 0.01, "b": 0.08, "rho": -0.2, "m": 0.01, "s": 0.15, "points": 40, "rmse": 0.002},
    "flags": [],
}
SURFACE = {"product": PRODUCT, "expiries": [SMILE], "freshness": FRESH}
TERM_ROW = {
    "expiry": "2026-12-25",
    "days": 29.2,
    "forward": 61974.6,
    "atm_iv": 0.537,
    "forward_vol": 0.541,
    "implied_move": 0.085,
    "straddle": 5280.0,
    "risk_reversal_25": -0.0465,
    "butterfly_25": 0.011,
    "skew_slope": -0.12,
    "expected_move": 5267.8,
    "flags": [],
}
TERM = {"product": PRODUCT, "spot_price": 61799.9, "expiries": [TERM_ROW], "freshness": FRESH}
EXPOSURE = {
    "product": PRODUCT,
    "expiry": "2026-12-25",
    "spot_price": 61799.9,
    "zero_gamma": 60110.0,
    "strikes": [{"strike": 62000.0, "call_gamma": 4.1e6, "put_gamma": 3.2e6, "gross": 7.3e6, "naive": 0.9e6}],
    "freshness": FRESH,
}
INTEREST = {
    "product": PRODUCT,
    "expiry": "2026-12-25",
    "spot_price": 61799.9,
    "call_wall": 70000.0,
    "put_wall": 60000.0,
    "strikes": [
        {"strike": 70000.0, "calls": 310.5, "puts": 40.2, "calls_change_1h": 12.0, "puts_change_1h": None},
    ],
    "freshness": FRESH,
}
PAIN_ROW = {
    "expiry": "2026-12-25",
    "max_pain_strike": 62000.0,
    "max_pain_low": 62000.0,
    "max_pain_high": 62000.0,
    "spot_price": 61799.9,
    "distance_from_spot": 200.1,
    "distance_share": 0.00324,
    "pcr_open_interest": 0.845,
}
MAX_PAIN = {"product": PRODUCT, **PAIN_ROW, "expiries": [PAIN_ROW], "freshness": FRESH}
WINDOW = {
    "time": NOW - NOW % 1000,
    "updates": 10,
    "imbalance_open": -0.1,
    "imbalance_high": 0.02,
    "imbalance_low": -0.14,
    "imbalance_close": -0.1,
    "imbalance_mean": -0.09,
    "imbalance_twa": -0.088,
    "spread_twa": 0.02,
    "spread_bps_mean": 0.0033,
    "bid_depth_mean": 0.71,
    "ask_depth_mean": 0.87,
    "ofi_sum": -0.4,
    "microprice_last": 61799.906,
    "out_of_sync": 0.0,
}
_BOOK_PAGE = {"venue": VENUE, "symbol": SYMBOL, "resolution": "1s", "count": 1, "next": None, "freshness": STORED}
HISTORY = _BOOK_PAGE | {"windows": [WINDOW]}
BAR = {
    "time": NOW - NOW % 1000,
    "open": 61799.9,
    "high": 61800.2,
    "low": 61799.9,
    "close": 61800.0,
    "volume": 0.42,
    "notional": 25956.0,
    "vwap": 61800.01,
    "signed_volume": 0.11,
    "trades": 7,
    "buys": 4,
}
TRADES = _BOOK_PAGE | {"trades": [BAR]}
ALERT = {
    "id": f"extreme_imbalance|{VENUE}|{SYMBOL}|{NOW}|enter",
    "venue": VENUE,
    "symbol": SYMBOL,
    "rule": "extreme_imbalance",
    "severity": "medium",
    "phase": "enter",
    "episode": NOW,
    "event_time": NOW,
    "value": 0.61,
    "threshold": 0.5,
    "message": f"{VENUE}:{SYMBOL} extreme_imbalance enter: value 0.6100, threshold 0.5000 (medium)",
}
ALERTS = {"count": 1, "alerts": [ALERT], "next": None, "freshness": {"source": "database", "event_time": NOW}}
STATE = {
    "venue": VENUE,
    "symbol": SYMBOL,
    "trusted": False,
    "state": "gap",
    "reason": "sequence",
    "since": NOW - 800,
    "age_ms": 900,
}
STATUS = {"trusted": False, "count": 1, "books": [STATE]}
QUALITY = {
    "since": NOW - 3_600_000,
    "count": 1,
    "books": [
        {
            "venue": VENUE,
            "symbol": SYMBOL,
            "seconds": 3600,
            "in_sync_share": 0.9994,
            "gaps": 2,
            "longest_out_of_sync_s": 1.4,
            "latency_p50_ms": 171.0,
            "latency_p99_ms": 436.0,
        }
    ],
    "freshness": {"source": "database", "event_time": NOW, "age_ms": 0},
}
RULE = {
    "rule": "extreme_imbalance",
    "book": "*",
    "medium": 0.6,
    "high": 0.8,
    "held_ms": 1000,
    "cooldown_s": 60.0,
    "medium_set": True,
    "high_set": True,
    "held_ms_set": False,
    "cooldown_s_set": False,
    "medium_default": 0.5,
    "high_default": 0.7,
    "held_ms_default": 1000,
    "cooldown_s_default": 60.0,
    "unit": "absolute imbalance",
}
RULES = {"rules": [RULE]}
