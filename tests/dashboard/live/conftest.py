"""The live page in Chromium over a real gateway, with a market of eight books."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browser import Watched, opened, running_browser
from tests.conftest import free_ports
from tests.dashboard.market import MovingMarket
from tests.database import Database
from tests.gateway.conftest import Backend, Served, serving
from tests.valkey import running_valkey

DESK, PHONE = (1280, 800), (390, 844)


@dataclass(frozen=True)
class LivePage:
    """A gateway with its market, and a browser."""

    gateway: Served
    market: MovingMarket
    browser: Browser

    def open(self, fragment: str = "", size: tuple[int, int] = DESK, **options: Any) -> AbstractContextManager[Watched]:
        """The page with this hash; `options` of the browser's context."""
        viewport = {"width": size[0], "height": size[1]}
        return opened(self.browser, f"{self.gateway.url}/live#{fragment}", viewport=viewport, **options)


@pytest.fixture(scope="session")
def live_backend(history_server: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    port = free_ports(1)[0]
    with running_valkey(port, tmp_path_factory.mktemp("live-valkey")):
        yield Backend(history_server, port)


@pytest.fixture(scope="session")
def live_gateway(live_backend: Backend, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A gateway that needs no login."""
    with serving(live_backend.environment(auth="off"), tmp_path_factory.mktemp("live-gateway")) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as found:
        yield found


@pytest.fixture
def market(live_backend: Backend) -> Iterator[MovingMarket]:
    """Eight books in sync that do not change until they are moved."""
    found = MovingMarket(live_backend.redis_url)
    found.synchronize()
    yield found
    found.close()


@pytest.fixture
def live(live_gateway: Served, market: MovingMarket, browser: Browser) -> LivePage:
    return LivePage(live_gateway, market, browser)
