"""Pictures of the page of live books, from a real run of the demo: `make screenshots` writes docs/images/*.png.

A demo that runs on the stack is used, otherwise one is started and ended. Debian's Chromium takes the pictures.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from shutil import which

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from core.resources import ROOT
from gateway.login_link import make_link
from gateway.settings import GatewaySettings
from stack.services import demo_process
from stack.services.settings import StackSettings
from tests.stack.demo.terminal import CTRL_C, terminal

IMAGES = ROOT / "docs" / "images"
PAGES = {"market": "market", "symbol": "binance:BTCUSDT", "options": "options:BTC"}  # file name and hash
SIZE = {"width": 1280, "height": 800}
THEMES = ("light", "dark")
FILL_MS = 45_000  # the heat map and the charts of a page fill
SETTLE_MS = 1_500
COLORS = (256, 128, 64)  # of the palette: fewer while the file is too large
LIMIT = 300_000  # bytes of a picture
START_S = 400


@contextmanager
def running_demo(home: Path) -> Iterator[None]:
    """A demo on the stack of this home."""
    if demo_process.is_running(home):
        yield
        return
    command = [sys.executable, "-m", "stack", "demo"]
    with terminal(command, os.environ | {"DEPTHFLOW_HOME": str(home), "COLUMNS": "200"}) as shown:
        shown.expect("simulated exchanges go on until Ctrl-C", START_S)
        yield
        shown.press(CTRL_C)
        shown.wait(60)


def compressed(picture: bytes) -> bytes:
    """The picture with a palette, below LIMIT. Raises ValueError if it stays larger."""
    image = Image.open(BytesIO(picture)).convert("RGB")
    for colors in COLORS:
        out = BytesIO()
        image.quantize(colors, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
        if out.tell() < LIMIT:
            return out.getvalue()
    raise ValueError(f"the picture has {out.tell()} bytes, more than {LIMIT}")


def take(page: Page, base: str, folder: Path) -> Iterator[Path]:
    """Pictures of every page in both themes, after each page has filled."""
    for name, place in PAGES.items():
        page.goto(f"{base}#{place}")
        page.wait_for_selector(f".page-{name}")
        page.wait_for_timeout(FILL_MS)
        for theme in THEMES:
            page.emulate_media(color_scheme=theme)
            page.wait_for_timeout(SETTLE_MS)
            file = folder / f"{name}-{theme}.png"
            file.write_bytes(compressed(page.screenshot()))
            yield file


def main() -> None:
    """Write the pictures."""
    home = StackSettings().home
    IMAGES.mkdir(parents=True, exist_ok=True)
    with running_demo(home):
        link = make_link(GatewaySettings(depthflow_home=home))
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=which("chromium"), args=["--no-sandbox"])
            page = browser.new_page(viewport=SIZE, color_scheme=THEMES[0])
            page.goto(link)
            page.wait_for_selector("nav a")
            for file in take(page, link.partition("#")[0], IMAGES):
                print(f"{file.relative_to(ROOT)} {file.stat().st_size:,} bytes")
            browser.close()


if __name__ == "__main__":
    main()
