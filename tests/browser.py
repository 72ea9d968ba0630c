"""A headless Chromium for a test, driven by its DevTools protocol."""

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from websockets.sync.client import ClientConnection, connect

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
START_S = 30


class Page:
    """One page. `errors`: messages that it has logged as errors, and exceptions."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._number = 0
        self.errors: list[str] = []
        for domain in ("Runtime", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> Any:
        """The result of a method of the protocol."""
        self._number += 1
        self._connection.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._connection.recv(timeout=START_S))
            if message.get("id") == self._number:
                return message["result"]
            if message["method"] == "Runtime.exceptionThrown":
                self.errors.append(json.dumps(message["params"]["exceptionDetails"]))
            if message["method"] == "Log.entryAdded" and message["params"]["entry"]["level"] == "error":
                self.errors.append(json.dumps(message["params"]["entry"]))

    def evaluate(self, expression: str) -> Any:
        """The value of an expression of JavaScript in the page."""
        return self.call("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def wait_for(self, expression: str, timeout_s: float = START_S) -> None:
        """Wait until an expression is true. Raises TimeoutError with the text of the page and its errors."""
        until = time.monotonic() + timeout_s
        while not self.evaluate(expression):
            if time.monotonic() > until:
                raise TimeoutError(f"{expression}: {self.evaluate('document.body.innerText')} {self.errors}")
            time.sleep(0.1)


@contextmanager
def open_page(url: str, folder: Path) -> Iterator[Page]:
    """The page at this address in a browser of its own, with its profile in the folder."""
    assert CHROMIUM
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0", f"--user-data-dir={folder}"]
    with open(folder / "chromium.log", "wb") as log:
        browser = subprocess.Popen([CHROMIUM, *options, "about:blank"], stdout=log, stderr=log)
    try:
        with connect(_page_address(folder / "DevToolsActivePort", browser), max_size=None) as connection:
            page = Page(connection)
            page.call("Page.navigate", url=url)
            yield page
    finally:
        browser.terminate()
        browser.wait(10)


def _page_address(file: Path, browser: "subprocess.Popen[bytes]") -> str:
    """WebSocket address of the first page, once the browser has written its port into the file."""
    until = time.monotonic() + START_S
    while not (file.exists() and file.read_text().count("\n")):
        assert browser.poll() is None and time.monotonic() < until, "Chromium has not started"
        time.sleep(0.05)
    port = file.read_text().split()[0]
    with urlopen(f"http://127.0.0.1:{port}/json/list", timeout=10) as answer:
        return next(str(each["webSocketDebuggerUrl"]) for each in json.load(answer) if each["type"] == "page")
