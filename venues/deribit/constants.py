"""Facts about Deribit: addresses, limits, error codes. Sources: docs/venues/deribit.md."""

WS = "wss://www.deribit.com"
REST = "https://www.deribit.com"
TESTNET_WS = "wss://test.deribit.com"
TESTNET_REST = "https://test.deribit.com"
WS_PATH = "/ws/api/v2"
INSTRUMENTS_PATH = "/api/v2/public/get_instruments"
INSTRUMENTS_SPACING_S = 1.1  # one such request a second is sustained

HEARTBEAT_S = 15  # interval requested from the server; the minimum is 10
CONNECTIONS_PER_IP = 32
SUBSCRIBE_CREDITS = 3_000  # out of 30,000: about 3.3 calls a second, bursts of 10
CALL_CREDITS = 500  # out of 50,000, refilled at 10,000 a second
SUBSCRIBE_CALLS_PER_S = 3
STREAMS_PER_CONNECTION = 1_000
CHANNELS_PER_CALL = 250  # no maximum is documented; very long lists are refused as too large

# Too many requests, retry, settlement and maintenance, internal error.
TRANSIENT_ERRORS = frozenset({10028, 10040, 10041, 10047, 11051, -32603})
