"""Programs of `examples/` that ask the gateway, run as their head comments say."""

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from core.resources import ROOT
from tests.browser import CHROMIUM, opened, running_browser
from tests.conftest import free_ports
from tests.gateway.conftest import ADMIN, PASSWORD, Backend, Served, serving
from tests.gateway.feeder import BOOK, EXPIRY, PRODUCT, Feeder

EXAMPLES, WEB = ROOT / "examples", ROOT / "gateway" / "web" / "node_modules"
NODE = shutil.which("node")
TIMEOUT_S = 60


def environment(gateway: Served) -> dict[str, str]:
    account = {"GATEWAY_USER": ADMIN, "GATEWAY_PASSWORD": PASSWORD}
    return os.environ | account | {"API_URL": gateway.url, "SOCKET_URL": gateway.socket_url}


def run(gateway: Served, command: list[str], **more: str) -> list[str]:
    """Lines that a program prints."""
    done = subprocess.run(
        command, env=environment(gateway) | more, capture_output=True, text=True, timeout=TIMEOUT_S, cwd=ROOT
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


@contextmanager
def moving_market(feeder: Feeder) -> Iterator[None]:
    """Ten updates of the book and of the chain a second."""
    ended = threading.Event()

    def move() -> None:
        while not ended.wait(0.1):
            now = time.time_ns() // 1_000_000
            feeder.book(now, now)
            feeder.chain(now)

    thread = threading.Thread(target=move)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@pytest.mark.skipif(not shutil.which("curl"), reason="needs curl")
def test_rest_prints_book_windows_and_alerts(gateway: Served) -> None:
    lines = run(gateway, ["sh", str(EXAMPLES / "rest.sh"), BOOK])
    assert lines[0].startswith('{"book":{"venue":"kraken","symbol":"BTC/USD"')
    assert lines[1].startswith("time,updates,") and len(lines) == 6
    assert '"rule":"extreme_imbalance"' in lines[5]


@pytest.mark.skipif(not NODE or not WEB.is_dir(), reason="needs Node and socket.io-client: make fetches it")
def test_sockets_in_node_print_the_newest_book_and_updates(gateway: Served, feeder: Feeder) -> None:
    with moving_market(feeder):
        lines = run(gateway, [NODE or "", str(EXAMPLES / "sockets.cjs"), BOOK, "3"], NODE_PATH=str(WEB))
    books = [line for line in lines if line.startswith("best bid")]
    assert len(books) == 3 and "best ask [ 101, 2 ]" in books[0]
    assert any(line.startswith("alert kraken:BTC/USD extreme_imbalance") for line in lines)


def test_sockets_in_python_print_chains(gateway: Served, feeder: Feeder) -> None:
    with moving_market(feeder):
        lines = run(gateway, [sys.executable, str(EXAMPLES / "sockets.py"), PRODUCT, "2"])
    assert f"{PRODUCT} {EXPIRY} put-call ratio 0.5 straddle 8.0" in lines
    assert len([line for line in lines if line.startswith(f"{PRODUCT} {EXPIRY} 2 calls 2 puts")]) == 2


def test_the_notebook_prints_term_structure_and_smile(gateway: Served, feeder: Feeder) -> None:
    lines = run(gateway, [sys.executable, str(EXAMPLES / "smile_notebook.py"), PRODUCT])
    assert any(line.startswith(EXPIRY) and "101.0" in line for line in lines)
    assert [line.split()[:3] for line in lines[-2:]] == [["90.0", "NaN", "0.5"], ["110.0", "NaN", "0.5"]]


@contextmanager
def files() -> Iterator[str]:
    """A web server of the repository's files; its address."""
    handler = partial(SimpleHTTPRequestHandler, directory=str(ROOT))
    server = ThreadingHTTPServer(("127.0.0.1", free_ports(1)[0]), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.skipif(not CHROMIUM, reason="needs Chromium: apt-get install chromium")
@pytest.mark.skipif(not WEB.is_dir(), reason="needs socket.io-client: make fetches it")
def test_the_page_shows_a_book_and_hatches_it_while_it_is_out_of_sync(
    backend: Backend, feeder: Feeder, tmp_path: Path
) -> None:
    with files() as address, serving(backend.environment(allowed_origins=address), tmp_path) as gateway:
        now = time.time_ns() // 1_000_000
        feeder.state("synced", now)
        feeder.book(now, now)
        token = gateway.login()["token"]
        link = f"{address}/examples/page.html#token={token}&book={BOOK}&sockets={gateway.socket_url}"
        with running_browser() as browser, opened(browser, link) as watched:
            page = watched.page
            watched.until("document.querySelector('#state')?.textContent === 'in sync'")
            cells = page.evaluate("[...document.querySelectorAll('tbody tr')[0].cells].map((cell) => cell.textContent)")
            assert cells[1:] == ["100", "101", "2"]
            feeder.state("gap", now + 1, "missing_update")  # no book follows, as from the pipeline
            watched.until("document.querySelector('#state').textContent === 'out of sync: missing_update'")
            assert page.evaluate("document.querySelector('table').className") == "untrusted"
            feeder.state("synced", now + 2)
            watched.until("document.querySelector('#state').textContent === 'in sync'")
            assert page.evaluate("document.querySelector('table').className") == ""
            assert "kraken:BTC/USD extreme_imbalance" in page.evaluate("document.querySelector('#events').textContent")
    assert [error for error in watched.errors if "favicon" not in error] == []
