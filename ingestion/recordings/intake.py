"""From recorded frames to envelopes: labels, stamps, and an account of what is not one."""

from ingestion.labels import FRAME_ERRORS, labeller
from ingestion.recordings.account import Account
from ingestion.stamping import Stamper, connection_id
from market.records import Envelope


class Intake:
    """Takes the frames of one recording at one venue, in order.

    A frame that names no symbol (Binance's REST book) gets the recording's, if there is just one so far.
    """

    def __init__(self, venue: str, account: Account, symbol: str = "") -> None:
        self.venue = venue
        self.account = account
        self._label = labeller(venue)
        self._symbols = {symbol} if symbol else set()
        self._stampers: dict[str, Stamper] = {}
        self._last_us = 0

    def take(
        self, line: int, frame: bytes, recv_us: int | None = None, conn: str = "", symbol: str = ""
    ) -> Envelope | None:
        """Envelope of one frame; None when it is not forwarded, which the account then shows.

        Without a receive time, it is the venue's own, made to never step back: as if nothing had been under way.
        """
        try:
            label = self._label(frame)
        except FRAME_ERRORS as error:
            self.account.reject(line, str(error))
            return None
        if not label.kept:
            self.account.counted[label.channel] += 1
            return None
        symbol = symbol or label.symbol or self._only_symbol()
        if not symbol:
            self.account.reject(line, f"{label.channel} names no symbol, and the recording has {len(self._symbols)}")
            return None
        self._symbols.add(symbol)
        self._last_us = max(self._last_us, label.time_us or 0) if recv_us is None else recv_us
        self.account.kept += 1
        return self._stamper(conn).stamp(label.channel, symbol, self._last_us, frame)

    def _only_symbol(self) -> str:
        return next(iter(self._symbols)) if len(self._symbols) == 1 else ""

    def _stamper(self, conn: str) -> Stamper:
        if conn not in self._stampers:
            self._stampers[conn] = Stamper(self.venue, connection_id(self.account.path.name, conn))
        return self._stampers[conn]
