"""A web server that takes what notifications are posted to it."""

from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import NamedTuple


class Posted(NamedTuple):
    """One request."""

    path: str
    headers: Message
    body: bytes


class Web:
    """Requests in their order. While `answers` is not set, requests are taken and not answered."""

    def __init__(self, status: int, port: int) -> None:
        self.requests: list[Posted] = []
        self.answers = Event()
        self.answers.set()
        web = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                web.requests.append(Posted(self.path, self.headers, body))
                web.answers.wait()
                self.send_response(status)
                self.send_header("Content-Length", "4")
                self.end_headers()
                self.wfile.write(b"busy")

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]


@contextmanager
def serving(status: int = 200, port: int = 0) -> Iterator[Web]:
    """A server that answers every request with this status, on a free port unless one is given."""
    web = Web(status, port)
    thread = Thread(target=web.server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield web
    finally:
        web.answers.set()
        web.server.shutdown()
        web.server.server_close()
        thread.join()
