"""The demo after its tour: the simulated markets go on until Ctrl-C, or until the stack stops."""

import time
from pathlib import Path

from stack.demo.conditions import Conditions
from stack.demo.exchanges import Exchanges
from stack.services import demo_process
from stack.services.errors import StackError
from stack.services.supervisor import Supervisor

CHECK_S = 0.5


def stay(home: Path, exchanges: Exchanges, conditions: Conditions) -> None:
    """Plant conditions without an end.

    Raises DemoEnded when the stack is about to stop, StackError when it has stopped or a simulator or forwarder ended.
    """
    supervisor = Supervisor(home)
    while True:
        demo_process.check(home)
        if not supervisor.is_alive():
            raise StackError("The stack has stopped", "`depthflow demo` starts it again")
        exchanges.check()
        conditions.plant_if_due()
        time.sleep(CHECK_S)
