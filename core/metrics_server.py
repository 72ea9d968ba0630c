"""HTTP server with /health, /ready and /metrics, on a thread, for processes without an event loop."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from os import strerror
from threading import Thread

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from core.errors import UserError

Reasons = Callable[[], list[str]]


class AddressError(UserError):
    """The server cannot listen on its address."""


@contextmanager
def metrics_server(
    address: str, option: str, registry: CollectorRegistry, unhealthy: Reasons, not_ready: Reasons
) -> Iterator[str]:
    """Serve until the block ends; yields `host:port`. Port 0 chooses a free one, an empty address serves nothing.

    `unhealthy`, `not_ready`: reasons why the process does not work, or has no recent data; the status is then 503.
    Raises AddressError, which names `option`.
    """
    if not address:
        yield ""
        return
    host, _, port = address.rpartition(":")
    try:
        server = ThreadingHTTPServer(
            (host.strip("[]") or "127.0.0.1", int(port)), _handler(registry, unhealthy, not_ready)
        )
    except OSError as error:
        reason = strerror(error.errno) if error.errno else str(error)
        raise AddressError(f"cannot listen on {address}: {reason}; choose another with {option}") from error
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, name="metrics", daemon=True)
    thread.start()
    try:
        yield f"{server.server_address[0]!s}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(registry: CollectorRegistry, unhealthy: Reasons, not_ready: Reasons) -> type[BaseHTTPRequestHandler]:
    checks = {"/health": unhealthy, "/ready": not_ready}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/metrics":
                self._send(200, CONTENT_TYPE_PLAIN_0_0_4, generate_latest(registry))
            elif self.path in checks:
                reasons = checks[self.path]()
                body = json.dumps({"status": "failed" if reasons else "ok", "reasons": reasons})
                self._send(503 if reasons else 200, "application/json", body.encode())
            else:
                self._send(404, "text/plain", b"/health, /ready and /metrics are served here\n")

        def _send(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Requests are not logged."""

    return Handler
