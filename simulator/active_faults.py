"""Faults of the exchange as a whole, each active until its time is over."""

from simulator.faults import ExchangeFault, Http520, Refuse, Restart, SlowSnapshot


class ActiveFaults:
    """Faults that apply to every client, by time in epoch seconds. A later fault of a kind replaces an earlier one."""

    def __init__(self) -> None:
        self._down_until = 0.0
        self._refuse: tuple[float, Refuse] = (0.0, Refuse(seconds=0))
        self._slow: tuple[float, float] = (0.0, 0.0)
        self._proxy: tuple[float, Http520] = (0.0, Http520(seconds=0))

    def begin(self, fault: ExchangeFault, now: float) -> None:
        """Activate the fault for its duration."""
        until = now + fault.seconds
        match fault:
            case Restart():
                self._down_until = until
            case Refuse():
                self._refuse = (until, fault)
            case SlowSnapshot():
                self._slow = (until, fault.delay_s)
            case Http520():
                self._proxy = (until, fault)

    def is_down(self, now: float) -> bool:
        """True while no request is answered."""
        return now < self._down_until

    def proxy_answer(self, now: float) -> Http520 | None:
        """The fault while a proxy answers in place of the exchange."""
        until, fault = self._proxy
        return fault if now < until else None

    def refuses_connections(self, now: float) -> int:
        """HTTP status that refuses a new connection; 0 accepts it."""
        until, fault = self._refuse
        return fault.status if now < until and fault.connections else 0

    def refuses_subscriptions(self, now: float) -> bool:
        """True while subscriptions are refused with an error."""
        until, fault = self._refuse
        return now < until and fault.subscriptions

    def refuses_rest(self, now: float) -> int:
        """HTTP status that refuses REST requests; 0 serves them."""
        until, fault = self._refuse
        return fault.status if now < until and fault.snapshots else 0

    def snapshot_delay(self, now: float) -> float:
        """Delay of a snapshot in seconds."""
        until, delay = self._slow
        return delay if now < until else 0.0
