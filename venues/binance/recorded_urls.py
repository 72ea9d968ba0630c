"""URLs of recorded REST replies of Binance, spot and USD-M."""

from urllib.parse import parse_qs, urlsplit

from venues.binance import constants

DEPTH_PATHS = (constants.SPOT_DEPTH_PATH, constants.USDM_DEPTH_PATH)
INFO_PATHS = (constants.SPOT_INFO_PATH, constants.USDM_INFO_PATH)


def symbol_of_url(url: str) -> str | None:
    """Symbol in the query of a book's URL: the reply names none. None for the URL of a reply without market data."""
    parts = urlsplit(url)
    if parts.path.endswith(INFO_PATHS):
        return None
    return parse_qs(parts.query).get("symbol", [""])[0] if parts.path.endswith(DEPTH_PATHS) else ""
