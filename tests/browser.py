"""Debian's Chromium for tests, driven by Playwright.

Playwright's loop occupies the thread while a browser is open: no other browser and no `asyncio.run` in it meanwhile.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Error, Page, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
# Exact heap sizes, the collector's call, and timers of a page that is not in front.
OPTIONS = [
    "--no-sandbox",
    "--enable-precise-memory-info",
    "--js-flags=--expose-gc",
    "--disable-background-timer-throttling",
]
WAIT_MS = 60_000  # on a busy machine


@dataclass
class Watched:
    """A page with its addresses of requests, and the errors that it logged or threw."""

    page: Page
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", lambda message: message.type == "error" and self._add(message))
        self.page.on("pageerror", lambda error: self._add_thrown(error))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("websocket", lambda socket: self.requests.append(socket.url))

    def _add(self, message: ConsoleMessage) -> None:
        self.errors.append(f"{message.text} {message.location.get('url', '')}")

    def _add_thrown(self, error: Error) -> None:
        self.errors.append(f"{error} {error.stack}")

    def text(self, selector: str) -> str:
        """Text of the first element."""
        return self.page.locator(selector).first.inner_text()

    def until(self, expression: str, argument: Any = None) -> Any:
        """Value of an expression or function of JavaScript, once it is true."""
        return self.page.wait_for_function(expression, arg=argument).json_value()


@contextmanager
def running_browser() -> Iterator[Browser]:
    """A headless browser."""
    assert CHROMIUM, "Chromium is missing: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield browser
        browser.close()


@contextmanager
def opened(browser: Browser, url: str, script: str = "", **options: Any) -> Iterator[Watched]:
    """The page at this address, in a context of its own with these options. `script` runs before those of the page."""
    context = browser.new_context(**options)
    context.set_default_timeout(WAIT_MS)
    if script:
        context.add_init_script(script)
    watched = Watched(context.new_page())
    watched.page.goto(url)
    yield watched
    context.close()
