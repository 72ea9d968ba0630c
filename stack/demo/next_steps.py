"""Texts that the demo prints: the page, and the next steps."""

from core.settings import Settings
from gateway.settings import GatewaySettings
from stack.demo.sample_queries import program, shell_path
from stack.services import dashboard, rest_gateway
from stack.services.postgres import psql_link
from stack.services.settings import StackSettings


def page_link(settings: Settings) -> str:
    """Link to the page of live books that logs in once. Raises UserError when there is none."""
    from gateway.login_link import make_link  # its packages belong to an extra

    return make_link(GatewaySettings(depthflow_home=settings.home))


def next_steps(stack: StackSettings, settings: Settings, link: str = "") -> str:
    """Addresses and commands to go on with. `link`: the page with a login; without one its address is shown."""
    served = rest_gateway.installed()
    page = link or f"{stack.serve_url}/live; {program()} login-link prints a login"
    steps = {
        "page": page if served else "",
        "dashboard": stack.dashboard_url if dashboard.installed() else "",
        "Flink UI": settings.flink_rest_url,
        "topics": f"{program()} status; Kafka clients connect to {settings.kafka_bootstrap_servers}",
        "database": f'{shell_path(psql_link(settings.home))} "$POSTGRES_DSN"',
        "REST": f"{stack.serve_url}/api/docs; account and password: GATEWAY_* in credentials.env" if served else "",
        "chain": f"{program()} chain BTC; with --from database, or --expiry and a day, or --plot chain.png",
        "stop": f"{program()} down",
    }
    lines = (f"  {name:<11}{step}\n" for name, step in steps.items() if step)
    return f"\nThe stack and its jobs keep running. Next steps:\n{''.join(lines)}"
