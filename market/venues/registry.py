"""Which feed a venue id stands for."""

from collections.abc import Callable

from market.config import KeeperConfig
from market.feeds.base import Feed
from market.feeds.bridged import BridgedFeed
from market.feeds.chained import ChainedFeed
from market.feeds.checked import CheckedFeed
from market.life import Life
from market.output import Output
from market.venues.binance import SpotRule
from market.venues.binance_usdm import UsdmRule

OpenFeed = Callable[[str, Life, Output, KeeperConfig], Feed]

FEEDS: dict[str, OpenFeed] = {
    "binance": lambda symbol, life, output, config: BridgedFeed(symbol, SpotRule(), life, output, config),
    "binance_usdm": lambda symbol, life, output, config: BridgedFeed(symbol, UsdmRule(), life, output, config),
    "kraken": CheckedFeed,
    "deribit": ChainedFeed,
}
