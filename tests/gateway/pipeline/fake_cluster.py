"""A small HTTP server with the answers of Flink's REST interface and of a process with metrics."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

NOW_MS = 1_795_723_449_326
BOOK = "Process.depthflow.venue.kraken"
METRICS = {
    f"{BOOK}.frames": 1_000,
    f"{BOOK}.applied": 990,
    f"{BOOK}.prompt": 980,
    f"{BOOK}.gaps": 2,
    f"{BOOK}.dead_letters": 1,
    f"{BOOK}.lag_ms": 40,
    f"{BOOK}.keys": 3,
    f"{BOOK}.out_of_sync": 1,
    "Source__raw.KafkaSourceReader.KafkaConsumer.records-lag-max": 5,
    "busyTimeMsPerSecond": 120,
    "dead_letters_sink[44]__Writer.numRecordsSend": 4,
    "orderbook_alerts_sink[9]__Writer.numRecordsSend": 70,
    "Shuffle.Netty.Input.numBuffersInLocal": 7,
}
TASKS = {"total": 2, "running": 2}
JOBS = [
    {"jid": "b1", "name": "t.books", "state": "RUNNING", "duration": 60_000, "start-time": 2, "tasks": TASKS},
    {"jid": "b0", "name": "t.books", "state": "CANCELED", "duration": 9, "start-time": 1, "tasks": TASKS},
    {"jid": "q1", "name": "SELECT 1", "state": "FINISHED", "duration": 9, "start-time": 3, "tasks": TASKS},
    {"jid": "c1", "name": "t.cache", "state": "FAILED", "duration": 9, "start-time": 1, "tasks": TASKS},
]
VERTEX = "/jobs/b1/vertices/v1/subtasks/metrics"
CHECKPOINT = {"latest_ack_timestamp": NOW_MS - 900, "end_to_end_duration": 60, "state_size": 2_048}
FLINK: dict[str, Any] = {
    "/jobs/overview": {"jobs": JOBS},
    "/jobs/b1": {"vertices": [{"id": "v1"}]},
    "/jobs/b1/checkpoints": {"counts": {"failed": 0}, "latest": {"completed": CHECKPOINT}},
    "/jobs/b1/metrics": [{"id": "numRestarts", "value": "1"}],
    VERTEX: [{"id": name, "sum": float(value), "max": float(value)} for name, value in METRICS.items()],
    "/jobs/c1/checkpoints": {"counts": {"failed": 4}, "latest": {"completed": None}},
    "/jobs/c1/metrics": [],
}
FORWARDER = {
    "/ready": {"ready": False, "reasons": ["BTC/USD book: newest frame 31 s old, expected within 30 s"]},
    "/metrics": """
# TYPE websocket_connected gauge
websocket_connected{venue="kraken",connection="0"} 1
websocket_connected{venue="kraken",connection="1"} 0
# TYPE messages_processed counter
messages_processed_total{venue="kraken",symbol="BTC/USD",channel="book"} 500
# TYPE book_age_seconds gauge
book_age_seconds{venue="kraken",symbol="BTC/USD",channel="book"} 31
# TYPE sequence_errors counter
sequence_errors_total{venue="kraken",symbol="BTC/USD"} 3
""",
}


class Answering(ThreadingHTTPServer):
    """Answers by path; `asked` has the paths of the requests."""

    daemon_threads = True

    def __init__(self, answers: Mapping[str, Any]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers, self.asked = answers, list[str]()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Answering

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        answer = self.server.answers.get(self.path.partition("?")[0])
        body = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
        self.send_response(404 if answer is None else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Requests are not logged."""


@contextmanager
def answering(answers: Mapping[str, Any]) -> Iterator[Answering]:
    """A server until the block ends."""
    with Answering(answers) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
