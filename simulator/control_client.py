"""Requests to the control port of a simulated exchange in another process."""

import json
from dataclasses import dataclass
from typing import Any, Literal
from urllib.request import Request, urlopen

from simulator.plants import Condition

TIMEOUT_S = 10


@dataclass(frozen=True)
class ControlClient:
    """Client of one control port on loopback. Raises OSError without a response, and for a refused request."""

    port: int

    def plant(self, symbol: str, condition: Condition, side: Literal["bid", "ask"], seconds: float = 0) -> int:
        """Plant a condition (`simulator.plants`); returns the event time of the first frame that shows it, epoch ms."""
        plant = {"symbol": symbol, "condition": condition, "side": side, "seconds": seconds}
        return int(self._post("/plant", plant)["time_us"]) // 1000

    def step(self, count: int = 1) -> None:
        """Step every symbol this many times."""
        self._post("/steps", {"count": count})

    def run_market(self, running: bool) -> None:
        """Start or halt the market."""
        self._post("/market", {"running": running})

    def inject(self, fault: str, **fields: Any) -> None:
        """Begin a fault (`simulator.faults`), such as `gap` with the field `symbol`."""
        self._post("/faults", {"fault": fault} | fields)

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        request = Request(f"http://127.0.0.1:{self.port}{path}", json.dumps(body).encode())
        with urlopen(request, timeout=TIMEOUT_S) as response:
            return json.load(response)
