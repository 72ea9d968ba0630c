"""Facts about Binance: addresses, limits, request weights of snapshots. Sources: docs/venues/binance.md."""

SPOT_WS = "wss://stream.binance.com:9443"
SPOT_REST = "https://api.binance.com"
SPOT_TESTNET_WS = "wss://stream.testnet.binance.vision"
SPOT_TESTNET_REST = "https://testnet.binance.vision"
SPOT_DEPTH_PATH = "/api/v3/depth"
SPOT_INFO_PATH = "/api/v3/exchangeInfo"
SPOT_SNAPSHOT_WEIGHTS = {100: 5, 500: 25, 1000: 50, 5000: 250}  # by the largest `limit` that the weight covers
DEPTH_LIMITS = frozenset({5, 10, 20, 50, 100, 500, 1000, 5000})  # usual numbers of levels of a snapshot
SPOT_WEIGHT_PER_MINUTE = 6_000  # documented; exchangeInfo states the budget of the day
SPOT_MESSAGES_PER_S = 5  # requests, pings and pongs
SPOT_SERVER_PING_S = 20
SPOT_PONG_WITHIN_S = 60

USDM_WS = "wss://fstream.binance.com"
USDM_REST = "https://fapi.binance.com"
USDM_TESTNET_WS = "wss://fstream.binancefuture.com"
USDM_TESTNET_REST = "https://testnet.binancefuture.com"
USDM_DEPTH_PATH = "/fapi/v1/depth"
USDM_INFO_PATH = "/fapi/v1/exchangeInfo"
USDM_SNAPSHOT_WEIGHTS = {5: 2, 10: 2, 20: 2, 50: 2, 100: 5, 500: 10, 1000: 20}  # by `limit`; no other is accepted
USDM_WEIGHT_PER_MINUTE = 2_400
USDM_MESSAGES_PER_S = 10
USDM_SERVER_PING_S = 180
USDM_PONG_WITHIN_S = 600
# USD-M serves each channel under one of two paths. A subscription under the other is acknowledged and stays silent.
# Under /public; the others are under /market.
USDM_PUBLIC_CHANNELS = ("depth", "depth5", "depth10", "depth20", "bookTicker", "rpiDepth")

MICROSECONDS_FROM = 10**14  # a larger time is in µs (timeUnit=MICROSECOND): in ms it would lie in the year 5138

LIFETIME_S = 24 * 3600  # a connection is closed at this age
STREAMS_PER_CONNECTION = 1024
CONNECTS_PER_5_MIN = 300
USED_WEIGHT_HEADER = "X-MBX-USED-WEIGHT-1M"
