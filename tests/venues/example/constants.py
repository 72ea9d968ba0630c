"""Facts about Example. Source: docs/venues/example.md."""

WS = "wss://ws.example.test"
REST = "https://api.example.test"
WS_PATH = "/stream"
STREAMS_PER_CONNECTION = 100
STREAMS_PER_REQUEST = 50
MESSAGES_PER_S = 5
SILENCE_S = 10  # a heartbeat comes every second
