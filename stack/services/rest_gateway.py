"""The gateway of REST and sockets, a process that is started on request."""

import os
import sys
from importlib.util import find_spec
from urllib.request import urlopen

from gateway.settings import GatewaySettings
from stack.extras import EXTRAS
from stack.services.credentials import passed_on
from stack.services.errors import StackError
from stack.services.ports import check_ports
from stack.services.settings import LOOPBACK, RESPONDS_WITHIN_S, StackSettings
from stack.services.supervisor import Supervisor
from stack.services.supervisord_config import Program

REST_GATEWAY = "gateway"


def program(settings: StackSettings) -> Program:
    """The server process, with those of its settings that `up` has in its environment. The dashboard may call it."""
    own = {name.upper() for name in GatewaySettings.__annotations__} - {"SERVE_PORT", "SERVE_SOCKET_PORT"}
    environment = passed_on(settings, own)
    origins = [f"http://{name}:{settings.dashboard_port}" for name in (LOOPBACK, "localhost")]
    environment["ALLOWED_ORIGINS"] = ",".join([*filter(None, [os.environ.get("ALLOWED_ORIGINS")]), *origins])
    command = [sys.executable, "-m", "stack", "serve"]
    return Program(REST_GATEWAY, command, environment | {"DEPTHFLOW_HOME": str(settings.home)}, autostart=False)


def installed() -> bool:
    """True if the packages of the extra `serve` are installed."""
    return all(find_spec(name) is not None for name in EXTRAS["serve"])


def start(settings: StackSettings, supervisor: Supervisor) -> bool:
    """Start the gateway. False if it was running already."""
    if supervisor.is_started(REST_GATEWAY):
        return False
    if not installed():
        raise StackError("The gateway needs packages that are not installed", "pip install 'depthflow[serve]'")
    check_ports(settings.serve_ports)
    supervisor.add(program(settings))  # a stack of an older version lacks it
    supervisor.start_program(REST_GATEWAY)
    return True


def responds(settings: StackSettings) -> bool:
    """True if Redis and the database answer to the gateway."""
    try:
        with urlopen(f"{settings.serve_url}/ready", timeout=RESPONDS_WITHIN_S) as response:
            return bool(response.status == 200)
    except OSError:
        return False
