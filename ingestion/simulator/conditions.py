"""Faults of the exchange as a whole, each until its time is over."""

from ingestion.simulator.faults import Refuse, Restart, SlowSnapshot


class Conditions:
    """What holds for every client at some time, in epoch seconds. A later fault of a kind replaces an earlier one."""

    def __init__(self) -> None:
        self._down_until = 0.0
        self._refuse: tuple[float, Refuse] = (0.0, Refuse(seconds=0))
        self._slow: tuple[float, float] = (0.0, 0.0)

    def begin(self, fault: Restart | Refuse | SlowSnapshot, now: float) -> None:
        """From now on, for the seconds of the fault."""
        until = now + fault.seconds
        match fault:
            case Restart():
                self._down_until = until
            case Refuse():
                self._refuse = (until, fault)
            case SlowSnapshot():
                self._slow = (until, fault.delay_s)

    def down(self, now: float) -> bool:
        """Whether nobody answers."""
        return now < self._down_until

    def refuses_connections(self, now: float) -> int:
        """The HTTP status that a new connection is answered with; 0: it is welcome."""
        until, fault = self._refuse
        return fault.status if now < until and fault.connections else 0

    def refuses_subscriptions(self, now: float) -> bool:
        """Whether subscriptions are answered with an error."""
        until, fault = self._refuse
        return now < until and fault.subscriptions

    def refuses_rest(self, now: float) -> int:
        """The HTTP status that REST requests are answered with; 0: they are served."""
        until, fault = self._refuse
        return fault.status if now < until and fault.snapshots else 0

    def snapshot_delay(self, now: float) -> float:
        """How many seconds late a snapshot comes."""
        until, delay = self._slow
        return delay if now < until else 0.0
