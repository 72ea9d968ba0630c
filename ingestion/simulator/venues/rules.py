"""What each exchange allows its clients (`venues.md` §2.1, §3.1, §4.1, §5.1)."""

from ingestion.simulator.limits import Limits
from market.venues import binance, binance_usdm, deribit, kraken

LIMITS = {
    "binance": Limits(
        lifetime_s=binance.LIFETIME_S,
        ping_every_s=binance.SERVER_PING_S,
        pong_within_s=binance.PONG_WITHIN_S,
        incoming_per_s=binance.MESSAGES_PER_S,
        incoming_bytes=4096 * 16,
        streams=binance.STREAMS_PER_CONNECTION,
        connects=binance.CONNECTS_PER_5_MIN,
        weight_per_min=binance.WEIGHT_PER_MINUTE,
        over_weight=10,
    ),
    "binance_usdm": Limits(
        lifetime_s=binance_usdm.LIFETIME_S,
        ping_every_s=180,
        pong_within_s=600,
        incoming_per_s=binance_usdm.MESSAGES_PER_S,
        incoming_bytes=4096 * 16,
        streams=binance.STREAMS_PER_CONNECTION,
        connects=binance.CONNECTS_PER_5_MIN,
        weight_per_min=2_400,
        over_weight=10,
    ),
    "kraken": Limits(heartbeat_s=1, idle_s=60, connects=kraken.CONNECTS_PER_10_MIN, connects_s=600),
    "deribit": Limits(
        heartbeat_s=10,
        incoming_bytes=64 * 1024,
        connections=deribit.CONNECTIONS_PER_IP,
        snapshots_per_s=5,
    ),
}
