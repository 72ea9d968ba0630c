"""Binance USD-M futures: facts and sequence rule (venues.md §3). Wire shapes are those of spot, with `pu` and `T`."""

from market.envelope import Unusable
from market.venues.binance import DepthUpdate
from market.venues.wire import APPLY, GAP, SKIP, Step

WS_PUBLIC = "wss://fstream.binance.com/public"  # depth, bookTicker
WS_MARKET = "wss://fstream.binance.com/market"  # aggTrade: a connection of its own, a wrong base stays silent
REST = "https://fapi.binance.com"
DEPTH_PATH = "/fapi/v1/depth"
SNAPSHOT_LIMIT = 1000
SNAPSHOT_WEIGHT = 20
WEIGHT_PER_MINUTE = 2_400
LIFETIME_S = 24 * 3600
SERVER_PING_S = 180
PONG_WITHIN_S = 600
MESSAGES_PER_S = 10
STREAMS_PER_CONNECTION = 1024


class UsdmRule:
    """Ids are shared by all symbols: an update chains only by `pu`, the `u` of the symbol's update before it."""

    live_at_install = False  # nothing proves that the snapshot meets the stream before the first update does

    @staticmethod
    def check(update: DepthUpdate) -> None:
        """Raise `Unusable` for ids that are missing or contradict themselves."""
        if not update.previous_id < update.first_id <= update.last_id:
            got = f"pu {update.previous_id}, U {update.first_id} and u {update.last_id}"
            raise Unusable(f"expected pu < U <= u, got {got}")
        if not update.previous_id:
            raise Unusable("expected pu on a futures update, got none")

    @staticmethod
    def bridge(snapshot_id: int, update: DepthUpdate) -> Step:
        """The first update after a snapshot: strictly older ones are in it, and the first kept must not start after it.

        `u` == `lastUpdateId` is applied, not skipped as on spot: on a quiet symbol it is the only update that meets the
        snapshot. With `pu` < `lastUpdateId` < `U` the snapshot lies between two updates of the symbol: sound.
        """
        if update.last_id < snapshot_id:
            return SKIP
        return APPLY if update.previous_id <= snapshot_id else GAP

    @staticmethod
    def step(book_id: int, update: DepthUpdate) -> Step:
        """What to do with `update` when the last one applied ended at `book_id`."""
        if update.previous_id == book_id:
            return APPLY
        return SKIP if update.last_id <= book_id else GAP

    @staticmethod
    def broken(book_id: int, update: DepthUpdate) -> tuple[int, int]:
        """Expected and actual previous id at a gap."""
        return book_id, update.previous_id
