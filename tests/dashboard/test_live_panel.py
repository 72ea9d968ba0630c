"""The live pages within Streamlit, in Chromium: a rerun of the app leaves the panel as it is."""

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import ElementHandle, Page, WebSocket, sync_playwright

from dashboard import accounts, live_panel
from dashboard.accounts import LoginError
from tests.conftest import free_ports
from tests.dashboard.conftest import empty
from tests.dashboard.test_cli import responds
from tests.database import Database
from tests.gateway.conftest import ADMIN, PASSWORD, Backend, Served, serving
from tests.gateway.feeder import PRODUCT, SYMBOL, VENUE, Feeder
from tests.jobs.isolated_system import wait_until
from tests.valkey import running_valkey

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
TOKEN_S, WAIT_MS = 4, 60_000
TRIES = 3  # a busy machine delays one of them
RERUNS, PAUSE_MS = 10, 100
# Frames in which the panel is gone, empty or faded, and nodes that leave the page, until `stop` is called.
WATCH = """root => {
  const found = { frames: 0, blank: 0, removed: 0 };
  const observer = new MutationObserver((changes) => changes.forEach((each) => {
    found.removed += [...each.removedNodes].filter((node) => node.contains(root.getRootNode().host)).length;
  }));
  observer.observe(document.body, { childList: true, subtree: true });
  let running = true;
  const look = () => {
    if (!running) return;
    found.frames += 1;
    let opacity = 1;
    for (let node = root; node; node = node.parentElement ?? node.getRootNode().host) {
      opacity *= getComputedStyle(node).opacity;
    }
    const shown = root.isConnected && root.offsetHeight > 100 && root.querySelector(".page")?.childElementCount > 0;
    if (!shown || opacity < 0.99) found.blank += 1;
    requestAnimationFrame(look);
  };
  look();
  window.watched = { stop: () => ((running = false), observer.disconnect(), found) };
}"""


@dataclass
class AppPage:
    """The app in a browser. `errors`: of its console; `requests`: addresses; `sockets`: those of the gateway.

    `sent`: frames to the app; `early`: those of them while a socket of the gateway was open.
    """

    page: Page
    gateway: Served
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    sockets: list[WebSocket] = field(default_factory=list)
    sent: list[Any] = field(default_factory=list)
    early: int = 0

    def watch(self) -> None:
        """Keep what the page tells."""
        self.page.on(
            "console", lambda message: message.type == "error" and self._keep(f"{message.text} {message.location}")
        )
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("websocket", self._add)

    def _keep(self, error: str) -> None:
        if "status of 401" not in error:  # calls with a token that has just ended are repeated with the next one
            self.errors.append(error)

    def _add(self, socket: WebSocket) -> None:
        if urlsplit(socket.url).port == urlsplit(self.gateway.url).port:
            self.sockets.append(socket)
        else:
            socket.on("framesent", self._sent)

    def _sent(self, frame: Any) -> None:
        self.sent.append(frame)
        self.early += any(not each.is_closed() for each in self.sockets)

    @property
    def panel(self) -> ElementHandle:
        """The panel's element, once it shows the book."""
        self.page.locator(".df main .page", has_text=SYMBOL).wait_for()
        return self.page.locator(".df").element_handle()


@contextmanager
def dashboard(environment: dict[str, str], folder: Path, port: int) -> Iterator[str]:
    """Address of a running app."""
    command = [sys.executable, "-m", "stack", "dashboard", "--port", str(port)]
    with open(folder / "dashboard.log", "wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        wait_until(lambda: responds(port), "the app")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(60)


@pytest.fixture(scope="module")
def app(history_server: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppPage]:
    """The app after a login, on its first page, over a gateway with one book and tokens of TOKEN_S."""
    empty(history_server)
    folder = tmp_path_factory.mktemp("app")
    redis_port, port = free_ports(2)
    origin = f"http://127.0.0.1:{port}"
    with running_valkey(redis_port, folder), sync_playwright() as playwright:
        backend = Backend(history_server, redis_port)
        environment = backend.environment(access_token_s=TOKEN_S, allowed_origins=origin)
        feeder = Feeder(backend.redis_url)
        now = round(time.time() * 1000)
        feeder.state("synced", now)
        feeder.book(1, now)
        feeder.state("synced", now, key=f"{VENUE}:{PRODUCT}")
        feeder.chain(now)
        feeder.close()
        with serving(environment, folder) as gateway, dashboard(environment, folder, port) as url:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            found = AppPage(browser.new_page(viewport={"width": 1280, "height": 800}), gateway)
            found.page.set_default_timeout(WAIT_MS)
            found.watch()
            found.page.goto(url)
            found.page.get_by_label("Username").fill(ADMIN)
            found.page.get_by_label("Password", exact=True).fill(PASSWORD)
            found.page.get_by_role("button", name="Log in").click()
            yield found
            browser.close()


def hosts(app: AppPage) -> set[str | None]:
    """Hosts that the page has asked."""
    return {urlsplit(each).hostname for each in app.requests if not each.startswith(("blob:", "data:"))}


def test_the_panel_shows_the_gateways_books_without_an_error_or_a_request_to_the_outside(app: AppPage) -> None:
    assert app.panel.inner_text()
    assert hosts(app) == {"127.0.0.1"}
    assert app.errors == []


def test_ten_reruns_a_second_neither_remount_the_panel_nor_show_a_blank_frame(app: AppPage) -> None:
    panel, before = app.panel, len(app.sent)
    panel.evaluate(WATCH)
    for _ in range(10 * RERUNS):  # Streamlit runs the script again at this key
        app.page.keyboard.press("r")
        app.page.wait_for_timeout(PAUSE_MS)
        if len(app.sent) - before >= RERUNS:
            break
    seen = app.page.evaluate("watched.stop()")
    assert len(app.sent) - before >= RERUNS
    assert (seen["blank"], seen["removed"]) == (0, 0) and seen["frames"] > RERUNS
    assert app.page.evaluate("([one, other]) => one === other", [panel, app.panel])
    assert app.errors == []


def test_a_token_is_renewed_by_the_app_under_the_same_panel_before_it_ends(app: AppPage) -> None:
    """The gateway closes the socket of a token that has ended; until then no call is refused, and nothing is logged."""
    panel = app.panel
    for _ in range(TRIES):
        opened, early = len(app.sockets), app.early
        app.page.wait_for_event("websocket", predicate=lambda each, opened=opened: each in app.sockets[opened:])
        if app.early > early:
            break
    assert app.early > early
    app.page.locator(".df .banner").wait_for(state="hidden")
    assert app.page.evaluate("([one, other]) => one === other", [panel, app.panel])
    assert not app.page.get_by_label("Username").count()


def test_live_pages_follow_each_other_in_the_panel(app: AppPage) -> None:
    for name in ("symbol", "options", "pipeline", "market"):
        app.page.locator(f".df nav a[href='#{name}']").click()
        app.page.locator(f".df main .page-{name} *").first.wait_for()
    assert app.page.locator(".df main .page").count() == 1 and app.errors == []


def test_a_wrong_password_is_refused_in_the_gateways_words(app: AppPage) -> None:
    with pytest.raises(LoginError, match="^username or password is wrong, or the account is disabled$"):
        accounts.log_in(app.gateway.url, ADMIN, "wrong")


def test_a_logout_revokes_the_tokens_of_the_login(app: AppPage) -> None:
    login = accounts.log_in(app.gateway.url, ADMIN, PASSWORD)
    assert (login.username, login.role, login.reads_history) == (ADMIN, "admin", True)
    renewed = accounts.renew(app.gateway.url, login)
    assert renewed.refresh_token != login.refresh_token
    accounts.log_out(app.gateway.url, renewed)
    with pytest.raises(LoginError, match="the refresh token is not valid any more"):
        accounts.renew(app.gateway.url, renewed)


def test_a_rerun_that_waits_for_the_gateway_does_not_fade_the_panel(app: AppPage) -> None:
    """Streamlit fades what a script has not drawn again after half a second. Here the script renews the token."""
    panel, process = app.panel, app.gateway.process
    assert process is not None
    process.send_signal(signal.SIGSTOP)
    try:
        app.page.wait_for_timeout(1000 * TOKEN_S / 2)  # the half of its life: it is renewed from then on
        panel.evaluate(WATCH)
        app.page.keyboard.press("r")
        app.page.wait_for_timeout(2000)
        seen = app.page.evaluate("watched.stop()")
    finally:
        process.send_signal(signal.SIGCONT)
    assert (seen["blank"], seen["removed"]) == (0, 0) and seen["frames"] > 0
    app.page.locator(".df .banner").wait_for(state="hidden")


def test_a_page_of_history_ends_the_panels_connection(app: AppPage) -> None:
    app.page.get_by_text("History", exact=True).click()
    app.page.get_by_role("menuitem", name="Windows").click()
    app.page.get_by_role("heading", name="Windows").wait_for()
    app.page.get_by_text("No book has metrics yet").wait_for()
    assert hosts(app) == {"127.0.0.1"}

    def closed() -> bool:
        app.page.wait_for_timeout(50)  # the browser's events arrive meanwhile
        return all(each.is_closed() for each in app.sockets)

    wait_until(closed, "the panel's sockets to close")


def test_a_renewal_that_comes_after_its_page_was_left_is_ignored() -> None:
    """The state of the panel is gone then. The callback ran on the next page and showed a KeyError in its place."""
    live_panel._renew()
