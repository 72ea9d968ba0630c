"""The Streamlit dashboard, a process that is started with the gateway where its packages are installed."""

import sys
from importlib.util import find_spec
from urllib.request import urlopen

from dashboard.settings import DashboardSettings
from stack.extras import EXTRAS
from stack.services.credentials import passed_on
from stack.services.ports import check_ports
from stack.services.settings import RESPONDS_WITHIN_S, StackSettings
from stack.services.supervisor import Supervisor
from stack.services.supervisord_config import Program

DASHBOARD = "dashboard"


def program(settings: StackSettings) -> Program:
    """The server process, with those of its settings that `up` has in its environment."""
    own = {name.upper() for name in DashboardSettings.__annotations__} - {"SERVE_PORT", "DASHBOARD_PORT"}
    environment = passed_on(settings, own)
    command = [sys.executable, "-m", "stack", "dashboard"]
    return Program(DASHBOARD, command, environment | {"DEPTHFLOW_HOME": str(settings.home)}, autostart=False)


def installed() -> bool:
    """True if the packages of the extra `dashboard` are installed."""
    return all(find_spec(name) is not None for name in EXTRAS["dashboard"])


def start(settings: StackSettings, supervisor: Supervisor) -> bool:
    """Start the dashboard. False if it was running already, or is not installed."""
    if supervisor.is_started(DASHBOARD) or not installed():
        return False
    check_ports({"DASHBOARD_PORT": settings.dashboard_port})
    supervisor.add(program(settings))  # a stack of an older version lacks it
    supervisor.start_program(DASHBOARD)
    return True


def responds(settings: StackSettings) -> bool:
    """True if the app answers."""
    try:
        with urlopen(f"{settings.dashboard_url}/_stcore/health", timeout=RESPONDS_WITHIN_S) as response:
            return bool(response.status == 200)
    except OSError:
        return False
