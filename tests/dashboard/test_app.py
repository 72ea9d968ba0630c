"""Every page of the Streamlit app, over a real database with rows that the test wrote."""

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import accounts, session
from dashboard.accounts import Account, GatewayUnavailable, Login, LoginError
from dashboard.cli import APP
from dashboard.history.database import History
from tests.dashboard import rows
from tests.dashboard.rows import BOOK, START, alert, expiry, insert, metrics, underlying, window

RUN_S = 60


@pytest.fixture
def app(history: History, monkeypatch: pytest.MonkeyPatch) -> Iterator[AppTest]:
    """The app without accounts over empty tables."""
    monkeypatch.setenv("READER_POSTGRES_DSN", history.dsn)
    monkeypatch.setenv("AUTH", "off")
    monkeypatch.setenv("SERVE_PORT", "1")
    session.settings.clear()
    yield AppTest.from_file(APP, default_timeout=RUN_S)
    session.settings.clear()


def opened(app: AppTest, page: str) -> AppTest:
    """The app after its first run, on a page."""
    found = app.run().switch_page(f"views/{page}.py").run()
    assert not found.exception and not found.error, [*found.exception, *found.error]
    return found


def now() -> int:
    """The present second, in seconds after START."""
    return int(time.time() - START.timestamp())


def table(app: AppTest, *columns: str) -> Any:
    """The first table that has these columns."""
    return next(each.value for each in app.dataframe if set(columns) <= set(each.value.columns))


EMPTY = {
    "alerts": "No alert in this span.",
    "windows": "No book has metrics yet: `depthflow submit analytics` stores them.",
    "imbalance": "No book has metrics yet: `depthflow submit analytics` stores them.",
    "volatility": "No book has metrics yet: `depthflow submit analytics` stores them.",
    "options": "No option chain is stored yet.",
}


@pytest.mark.parametrize("page", EMPTY)
def test_an_empty_database_is_said(app: AppTest, page: str) -> None:
    assert [each.value for each in opened(app, page).info] == [EMPTY[page]]


def test_alerts_have_a_feed_a_heat_map_and_filters(app: AppTest, writer: str) -> None:
    second = now() - 60
    insert(writer, "orderbook_alerts", [alert(second, "sweep", "high"), alert(second - 7200, "wall")])
    shown = opened(app, "alerts")
    newest, feed = (each.value for each in shown.dataframe)
    assert list(newest["rule"]) == ["sweep"] and list(feed["rule"]) == ["sweep", "wall"]
    assert len(shown.get("vega_lite_chart")) == 1 and len(shown.get("download_button")) == 4
    shown.selectbox[1].select("medium").run()
    assert list(shown.dataframe[1].value["rule"]) == ["wall"]
    assert shown.selectbox[0].options == ["sweep", "wall"]


def test_windows_have_statistics_and_lines(app: AppTest, writer: str) -> None:
    second = now() - 300
    insert(writer, "orderbook_metrics", metrics([second], [0.1], [100.0]))
    insert(writer, "orderbook_windows", [window(second // 60 * 60, "10s", spread_bps_mean=3.0)])
    shown = opened(app, "windows")
    assert table(shown, "metric", "mean").set_index("metric").loc["spread_bps", "mean"] == 3.0
    assert len(shown.get("vega_lite_chart")) == 6 and shown.selectbox[0].value == BOOK
    assert "Windows of 10s" in shown.caption[0].value


def test_returns_follow_the_chosen_horizon(app: AppTest, writer: str) -> None:
    first = now() - 600
    mids = [100.0 * (1 + second / 10_000) for second in range(100)]
    insert(writer, "orderbook_metrics", metrics(range(first, first + 100), [0.5] * 100, mids))
    shown = opened(app, "imbalance")
    assert table(shown, "imbalance_from")["seconds"].sum() == 90
    assert table(shown, "correlation")["horizon_s"].to_list() == [1, 5, 10, 30, 60]
    shown.segmented_control(key="horizon").set_value(60).run()
    assert table(shown, "imbalance_from")["seconds"].sum() == 40


def test_volatility_is_beside_that_of_a_chain(app: AppTest, writer: str) -> None:
    first = (now() - 7200) // 3600 * 3600
    insert(writer, "orderbook_metrics", metrics([first, first + 60, first + 120], [0.0] * 3, [100.0, 101.0, 100.0]))
    insert(writer, "underlying_ticks", [underlying(first)])
    chain = [expiry(first, years=20 / 365, atm_iv=0.5), expiry(first, years=40 / 365, atm_iv=0.5)]
    chain[1]["expiry"] += timedelta(days=20)
    insert(writer, "option_chain_metrics", chain)
    shown = opened(app, "volatility")
    assert "expected_30d" not in table(shown, "realised").columns
    shown.selectbox(key="chain").select(rows.CHAIN).run()
    assert table(shown, "realised")["expected_30d"].to_list() == pytest.approx([0.5])


def test_options_have_ratios_volatility_and_max_pain(app: AppTest, writer: str) -> None:
    second = now() - 600
    insert(writer, "underlying_ticks", [underlying(second, pcr_open_interest=0.5)])
    insert(writer, "option_chain_metrics", [expiry(second, forward=100.0, max_pain=95.0, atm_iv=0.4)])
    shown = opened(app, "options")
    assert table(shown, "index_price")["pcr_open_interest"].to_list() == [0.5]
    found = table(shown, "max_pain")
    assert (found["max_pain"].item(), found["atm_iv"].item()) == (95.0, 0.4)
    assert len(shown.get("vega_lite_chart")) == 4


def test_a_span_of_ones_own_that_ends_before_it_begins_is_refused(app: AppTest, writer: str) -> None:
    insert(writer, "orderbook_metrics", metrics([now()], [0.1], [100.0]))
    shown = opened(app, "windows")
    shown.segmented_control(key="span").set_value("other").run()
    shown.datetime_input(key="span_until").set_value(datetime(2026, 1, 1)).run()  # noqa: DTZ001
    assert [each.value for each in shown.warning] == ["The span ends before it begins."]


def test_a_database_that_is_away_is_said_in_one_sentence(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("READER_POSTGRES_DSN", "postgresql://reader@127.0.0.1:1/depthflow")
    session.settings.clear()
    shown = app.run().switch_page("views/windows.py").run()
    assert [each.value.partition(":")[0] for each in shown.error] == ["The database does not answer"]
    assert not shown.exception


LOGIN = Login("ada", "analyst", "token-1", "refresh-1", time.monotonic() + 900)


def titles(app: AppTest) -> list[str]:
    return [each.value for each in app.title]


@pytest.fixture
def guarded(app: AppTest, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The app with accounts, over a gateway that knows one."""
    monkeypatch.setenv("AUTH", "required")
    session.settings.clear()

    def log_in(url: str, username: str, password: str, address: str | None = None) -> Login:
        if password != "right":
            raise LoginError("username or password is wrong, or the account is disabled")
        return LOGIN

    monkeypatch.setattr(accounts, "log_in", log_in)
    return app


def submit(app: AppTest, password: str) -> AppTest:
    app.text_input[0].input("ada")
    app.text_input[1].input(password)
    return app.button[0].click().run()


def test_nothing_is_shown_before_the_login(guarded: AppTest) -> None:
    shown = guarded.run()
    assert titles(shown) == ["depthflow"] and not shown.dataframe
    shown = submit(shown, "wrong")
    assert [each.value for each in shown.error] == ["username or password is wrong, or the account is disabled"]
    shown = submit(shown, "right")
    assert not shown.text_input and not shown.error and shown.session_state[session.ACCOUNT].current() == LOGIN


def test_a_viewer_sees_no_history(guarded: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    viewer = Login("bob", "viewer", "token", "refresh", time.monotonic() + 900)
    guarded.session_state[session.ACCOUNT] = Account(viewer, lambda login: login)
    shown = guarded.run()
    assert not shown.exception
    with pytest.raises(Exception, match="alerts.py"):
        shown.switch_page("views/alerts.py").run()


@pytest.mark.parametrize(
    ("answer", "shown"), [(None, True), (GatewayUnavailable("away"), True), (LoginError("used"), False)]
)
def test_a_token_that_ends_soon_is_renewed_and_a_refused_one_asks_for_the_login(
    guarded: AppTest, answer: LoginError | None, shown: bool
) -> None:
    def renew(login: Login) -> Login:
        if answer:
            raise answer
        return LOGIN

    guarded.session_state[session.ACCOUNT] = Account(Login("ada", "analyst", "old", "refresh-0", 0.0), renew)
    assert bool(guarded.run().text_input) != shown
