"""docs/records.md from the records of the code: every topic, Redis channel and key, with fields, types and units.

`make docs` writes the page; `tests/test_records_page.py` compares it with the code.
"""

import re
from collections.abc import Iterable, Iterator
from enum import Enum
from inspect import getdoc
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Raw, Struct, UnsetType

from core import records, topics
from core.resources import ROOT
from core.topics import DAY_MS, Topic
from market.alerts.rules import Thresholds
from market.cache_messages import NEWEST_ALERTS_SIZE, StateMessage
from market.options import records as option_records
from market.options.cache_messages import TTL_S
from market.orderbook import cache_messages, tick_records

PAGE = ROOT / "docs" / "records.md"
SYMBOL, UNDERLYING = "`venue:symbol`", "`venue:underlying`"
STRUCTS: dict[Topic, tuple[type[Struct | Thresholds], str]] = {  # of a topic with several kinds of records, the first
    topics.RAW_BOOKS: (records.Envelope, SYMBOL),
    topics.RAW_TRADES: (records.Envelope, SYMBOL),
    topics.RAW_OPTIONS: (records.Envelope, UNDERLYING),
    topics.PROCESSED: (records.Processed, SYMBOL),
    topics.BOOKS: (records.TopOfBook, SYMBOL),
    topics.STATUS: (records.Status, f"{SYMBOL}, or {UNDERLYING} for a chain"),
    topics.RESYNC: (records.Resync, SYMBOL),
    topics.TRADES: (records.Trade, SYMBOL),
    topics.TICKS: (tick_records.BookTick, SYMBOL),
    topics.WINDOWS: (tick_records.Window, SYMBOL),
    topics.TRADE_BARS: (tick_records.TradeBar, SYMBOL),
    topics.ALERTS: (records.Alert, SYMBOL),
    topics.RULES: (Thresholds, "`rule|venue:symbol`, or `rule|*` for all books"),
    topics.OPTION_CHAINS: (option_records.ChainRecord, UNDERLYING),
    topics.OPTION_SURFACES: (option_records.SurfaceRecord, UNDERLYING),
    topics.UNDERLYING_TICKS: (option_records.UnderlyingTick, UNDERLYING),
    topics.DEAD_LETTERS: (records.DeadLetter, "`venue:symbol` or `venue:underlying` of the rejected record"),
}
OTHER_KINDS: dict[Topic, list[type[Struct]]] = {topics.TICKS: [tick_records.TradeTick]}
MESSAGES: dict[str, type[Struct]] = {
    "orderbook:VENUE:SYMBOL": cache_messages.BookMessage,
    "trades:VENUE:SYMBOL": cache_messages.TradeMessage,
    "status:VENUE:SYMBOL": StateMessage,
}
TYPES: dict[Any, str] = {str: "text", int: "integer", float: "number", bool: "true or false", NoneType: "null"}
TYPES |= {records.Processed: "fields of `orderbook.processed`", Raw: "JSON", UnsetType: "absent", list: "array"}

# Units by a pattern of the field's name; the first that matches.
UNITS = {
    r".*_age_ms|valid_ms|out_of_sync_ms": "ms",
    r"recv_us": "µs since 1970, UTC",
    r"event_time|quote_time|expiry|since|episode|timestamp|(window_)?(start|end)": "ms since 1970, UTC",
    r"years": "years",
    r"(bid|ask)s": "[price, size], best first",
    r"(imbalance|weighted_imbalance|spread_bps|ofi)_count|trades|buys|late|.*_levels|.*_seconds_5m|updates_5s": "count",
    r"imbalance_integral": "ms",
    r"spread_integral": "price times ms",
    r"notional": "price times base units",
    r"spread_bps.*": "basis points of the mid",
    r"call_premium|put_premium|pain|gamma_(usd|gross|naive)": "quote currency",
    r"max_pain_coin|call_wall|put_wall|max_pain.*|atm_strike|strike|zero_gamma": "price",
    r"straddle_coin|implied_move": "fraction of the forward",
    r"straddle_source|forward_source": "",
    r"open|low|close|vwap": "price",
    r"(best_(bid|ask)|mid|microprice|spread|price|index_price|forward|straddle)(_twa|_last)?": "price",
    r"bid|ask|mark": "price, or coin for inverse options",
    r"((best_)?(bid|ask)_)?size|quantity|(bid|ask)_depth.*|(bid|ask)_jump|ofi.*|.*open_interest|.*volume": "base units",
    r"pcr_.*": "ratio of puts to calls",
    r"(weighted_)?imbalance.*": "-1 to 1",
    r"vtob": "0 to 1",
    r"out_of_sync": "share of the window",
    r".*iv|risk_reversal_25|butterfly_25|forward_vol|svi_rmse|svi_worst": "volatility, fraction a year",
    r"forward_variance|svi_a|svi_calendar": "total variance",
    r"skew_slope": "volatility per ln(K/F)",
    r"svi_.*": "parameter of the fit",
    r"net_delta|delta": "1",
    r"gamma|vega|theta": "as in market/options/black76.py",
    r"held_ms": "ms",
    r"cooldown_s": "s",
    r"value|threshold|medium|high": "that of the rule (docs/alerts.md)",
    r"levels_(bid|ask)|depth|strikes|(.*_)?options|expiries|updates|frames|svi_points|seq": "count",
    r"length": "bytes",
    r"value_b64": "base64",
    r"sha256": "hexadecimal",
}
NO_UNIT = re.compile(
    r"venue|channel|symbol|one_sided|last|conn|frame|frame_text|event|update_id|flags|trade_id|side|state|reason|expected|actual|id|rule|"
    r"severity|phase|message|where|topic|partition|offset|underlying|linear|instrument|kind|build_up|last_update_id|"
    r"is_buyer_maker|rule_key|record_offset"
)


def unit(name: str, kind: str) -> str:
    """Unit of a field; empty for names and ids. Raises KeyError for a field that no pattern covers."""
    if name == "size" and "number" not in kind:  # of a window
        return ""
    if name == "high" and kind == "number":  # not that of a rule, which may be null
        return "price"
    for pattern, text in UNITS.items():
        if re.fullmatch(pattern, name):
            return text
    if not NO_UNIT.fullmatch(name):
        raise KeyError(f"no unit for the field {name}: add it to UNITS or NO_UNIT in {__name__}")
    return ""


def type_text(kind: Any) -> str:
    """A type as it appears in JSON."""
    if kind in TYPES:
        return TYPES[kind]
    if get_origin(kind) is Literal:
        return " or ".join(f"`{value}`" for value in get_args(kind))
    if get_origin(kind) in (Union, UnionType):
        return " or ".join(type_text(part) for part in get_args(kind))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return " or ".join(f"`{member.value}`" for member in kind)
    (part, *_) = get_args(kind)
    return "array of arrays" if get_origin(part) else f"array of {type_text(part)}"


def struct_fields(kind: type[Struct | Thresholds]) -> Iterator[tuple[str, str]]:
    """Name and type of each field of a record."""
    hints = get_type_hints(kind)
    if not issubclass(kind, Struct):
        yield from ((name, type_text(hint)) for name, hint in hints.items())
        return
    config = kind.__struct_config__
    if config.tag_field is not None:
        yield config.tag_field, f"`{config.tag}`"
    yield from ((field.encode_name, type_text(hints[field.name])) for field in msgspec.structs.fields(kind))


def table(fields: Iterable[tuple[str, str]]) -> str:
    """A Markdown table of fields."""
    rows = (f"| `{name}` | {kind} | {unit(name, kind)} |" for name, kind in fields)
    return "\n".join(["| field | type | unit |", "|---|---|---|", *rows])


def kept(topic: Topic) -> str:
    """Retention of a topic."""
    return "compacted" if topic.retention_ms is None else f"kept for {topic.retention_ms // DAY_MS} days"


def topic_section(topic: Topic) -> str:
    """One topic: description, key, retention, fields."""
    kind, key = STRUCTS[topic]
    fields = table(struct_fields(kind))
    first = f"### `{topic.name}`\n\n{meaning_of(kind)}\n\nKey: {key}; {kept(topic)}.\n\n{fields}\n"
    others = (f"{meaning_of(kind)}\n\n{table(struct_fields(kind))}\n" for kind in OTHER_KINDS.get(topic, ()))
    return "\n".join((first, *others))


def meaning_of(kind: type[Struct | Thresholds]) -> str:
    """Docstring of a record as paragraphs of Markdown."""
    return "\n\n".join(" ".join(part.split()) for part in (getdoc(kind) or "").split("\n\n"))


def page() -> str:
    """The whole page."""
    sections = "\n".join(topic_section(topic) for topic in topics.TOPICS)
    messages = "\n".join(
        f"### Channel `{channel}`\n\n{meaning_of(kind)}\n\n{table(struct_fields(kind))}\n"
        for channel, kind in MESSAGES.items()
    )
    return f"""# Records

Every topic, Redis channel and Redis key with its fields. `make docs` generates this page from the code.

Values are JSON objects; fields are added, never renamed. A number is a double. `null` is undefined, and `flags` give
the reason. Formulas: [metrics](metrics.md), [alerts](alerts.md). All names of topics begin with `TOPIC_PREFIX`, which
is empty by default.

## Topics

Output of the jobs is transactional: read it with `isolation.level=read_committed`.

{sections}
## Redis

The job `cache` writes books with their states, trades, option chains, underlyings and alerts. Symbols are in upper
case. Names with `CACHE_DEFAULT_VENUE` are written without the venue as well: `orderbook:SYMBOL`,
`orderbook:SYMBOL:latest`, `trades:SYMBOL`, `status:SYMBOL`, `alerts:SYMBOL`. An older value never replaces a newer one.
Channels have no replay: after a connection, subscribe first and then read the keys.

{messages}
### Key `orderbook:VENUE:SYMBOL:latest`

The newest book: the fields of `orderbook.processed`, then `bids` and `asks` as in `orderbook.books`. It has no time to
live.

### Key `chain:UNDERLYING:YYYY-MM-DD`

A hash for each expiry, deleted {TTL_S} s after its last update. The name has no venue: Deribit alone has chains.
Field `summary`: the newest record of `options.chain`. Each other field is an instrument: its newest record of
`options.surface`. The channel of the same name has every update: an object of the fields that it wrote, with their
records.

### Key `status:VENUE:SYMBOL`

The newest message of the channel of the same name. For an option chain, the symbol is its underlying. It has no time to
live.

### Key `underlying:VENUE:UNDERLYING:latest`

The newest record of `underlying_ticks`; each is also published on the channel `underlying:VENUE:UNDERLYING`. It has no
time to live.

### Key `alerts:latest`

A sorted set of the newest {NEWEST_ALERTS_SIZE:,} records of `orderbook.alerts` by event time. Each is also published
once on the channels `alerts` and `alerts:VENUE:SYMBOL`.
"""


if __name__ == "__main__":
    PAGE.write_text(page())
