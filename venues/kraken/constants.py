"""Facts about Kraken's WebSocket v2: addresses, depths, limits. Sources: docs/venues/kraken.md."""

WS = "wss://ws.kraken.com"
REST = "https://api.kraken.com"
WS_PATH = "/v2"

BOOK_DEPTHS = (10, 25, 100, 500, 1000)
DEFAULT_DEPTH = 10  # depth of a book subscription that names none
CHECKSUM_LEVELS = 10  # per side, whatever the depth

MESSAGES_PER_S = 5  # no limit is published; far below the rates that clients report as accepted
STREAMS_PER_CONNECTION = 200
SYMBOLS_PER_REQUEST = 50
SILENCE_S = 10  # a heartbeat comes about every second; the documentation calls 5 s without any message dead
PING_S = 30
CONNECTS_PER_10_MIN = 150
POLICY_VIOLATION = 1008  # close code: the client must not reconnect unchanged
