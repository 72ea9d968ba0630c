"""Login on the page where AUTH=required: by password, by a code in the address, and tokens that are renewed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.dashboard.live.conftest import LivePage
from tests.dashboard.market import MovingMarket, now_ms
from tests.gateway.conftest import ADMIN, PASSWORD, Backend, Served, serving

TOKEN_S = 3
# Tokens of a session: at once, before and after the half of a life of 20 s, and after it while the gateway is away.
RENEWALS = """async () => {
  const { createSession } = await import("/live/lib/session.js");
  const names = ["first", "second"];
  let [now, away] = [1e12, false];
  Date.now = () => now;
  const others = window.fetch; // the page asks its own gateway meanwhile
  window.fetch = async (url, options) => {
    if (url.host !== "gateway.test") return others(url, options);
    if (away) throw new TypeError("away");
    return Response.json({ token: names.shift(), refresh_token: "refresh", expires_in: 20 });
  };
  const storage = { getItem: () => "refresh", setItem() {}, removeItem() {} };
  const session = createSession("http://gateway.test", true, storage);
  const found = [await session.logIn("user", "password")];
  for (const [seconds, gone] of [[9, false], [2, false], [15, true]]) {
    [now, away] = [now + 1000 * seconds, gone];
    found.push(await session.token());
  }
  return found;
}"""
NEWER = "time => Number(document.querySelector('tr[data-update-id]')?.dataset.updateId) > time"


@pytest.fixture(scope="module")
def guarded(live_backend: Backend, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A gateway that needs a login, with tokens of TOKEN_S."""
    environment = live_backend.environment(access_token_s=TOKEN_S)
    with serving(environment, tmp_path_factory.mktemp("guarded")) as gateway:
        yield gateway


def test_a_login_is_needed_and_its_tokens_are_renewed(guarded: Served, market: MovingMarket, browser: Browser) -> None:
    with market.moving(), LivePage(guarded, market, browser).open() as watched:
        page = watched.page
        page.get_by_label("User").fill(ADMIN)
        page.get_by_label("Password").fill("wrong horse battery")
        page.get_by_role("button", name="Log in").click()
        page.get_by_text("username or password is wrong").wait_for()
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        watched.until(NEWER, 0)
        assert page.evaluate("Object.keys(localStorage)") == []
        assert page.evaluate("Object.keys(sessionStorage)") == ["depthflow.refresh"]
        watched.until(NEWER, now_ms() + 2 * TOKEN_S * 1000)
        page.reload()
        watched.until(NEWER, now_ms())
        page.get_by_role("button", name="Log out").click()
        page.get_by_label("Password").wait_for()
        assert page.evaluate("Object.keys(sessionStorage)") == []
        assert [error for error in watched.errors if "401" not in error] == []


def test_a_duplicated_tab_and_its_origin_stay_logged_in(
    guarded: Served, market: MovingMarket, browser: Browser
) -> None:
    """A window that the page opens gets a copy of its session storage, as a duplicated tab does."""
    with market.moving(), LivePage(guarded, market, browser).open() as watched:
        page = watched.page
        page.get_by_label("User").fill(ADMIN)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        watched.until(NEWER, 0)
        with page.expect_popup() as opened:
            page.evaluate("() => { window.open(location.href); }")
        copy, later = opened.value, now_ms() + 3 * TOKEN_S * 1000
        for each in (copy, page):
            each.wait_for_function(NEWER, arg=later)
            assert each.get_by_label("Password").count() == 0


def test_a_token_is_renewed_before_it_ends(live: LivePage) -> None:
    """Without a refusal, which the browser would log. Where it cannot be renewed, the old one remains."""
    with live.open() as watched:
        assert watched.page.evaluate(RENEWALS) == ["first", "first", "second", "second"]


def test_a_code_in_the_address_logs_in_once(
    live_backend: Backend, market: MovingMarket, browser: Browser, tmp_path: Path
) -> None:
    """With tokens that are not renewed meanwhile: the browser logs what a slow machine has let expire."""
    with serving(live_backend.environment(), tmp_path) as gateway:
        code = gateway.call("POST", "/api/auth/codes", gateway.login()["token"]).json["code"]
        desk = LivePage(gateway, market, browser)
        with desk.open(f"code={code}") as watched:
            watched.until(NEWER, 0)
            assert code not in watched.page.url and watched.errors == []
        with desk.open(f"code={code}") as watched:
            watched.page.get_by_text("The login link is used up or has expired.").wait_for()
