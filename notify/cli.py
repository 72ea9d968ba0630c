"""`depthflow notify`."""

import time
from collections.abc import Sequence
from contextlib import closing
from typing import Annotated, Any

import structlog
import typer

from core.errors import UsageError
from core.kafka_client import python_client_options
from core.logs import configure
from core.records import Alert
from core.scrape_targets import scrape_target
from core.settings import Settings
from core.stop_signal import EXIT_INTERRUPTED, stop_signal
from market.alerts.rules import alert_rules, require_rule
from notify import metrics
from notify.alertmanager import Alertmanager
from notify.episodes import AlertFilter, Change, Episodes
from notify.notifier import Notifier
from notify.receiver import Receiver, Unavailable
from notify.services import Service
from notify.settings import NotifySettings
from notify.source import AlertSource

EXIT_UNAVAILABLE = 1
app = typer.Typer()
log = structlog.get_logger("notify")


@app.command()
def notify(
    rules: Annotated[str, typer.Option(show_default="NOTIFY_RULES", help="Rules to send, separated by commas.")] = "",
    severities: Annotated[
        str, typer.Option(show_default="NOTIFY_SEVERITIES", help="Severities to send: high, medium, info.")
    ] = "",
    books: Annotated[
        str, typer.Option(show_default="NOTIFY_BOOKS", help="Books to send: patterns of venue:symbol with * and ?.")
    ] = "",
    check: Annotated[
        bool, typer.Option("--check", help="Send a resolved test alert to every receiver and exit.")
    ] = False,
) -> None:
    """Send alerts to Alertmanager, and by apprise to chat, mail and paging services, until Ctrl-C.

    Receivers: NOTIFY_ALERTMANAGER_URL and NOTIFY_URLS. An alert counts as sent when every receiver has taken it. A
    receiver that is unavailable stalls all, and nothing is lost.

    Example: depthflow notify --severities high
    """
    given: dict[str, Any] = {"notify_rules": rules, "notify_severities": severities, "notify_books": books}
    settings = NotifySettings(**{name: text for name, text in given.items() if text})
    configure(settings.log_level, "notify", settings.log_format)
    shared = Settings()
    selection, receivers = open_filter(settings, shared), open_receivers(settings)
    if check:
        raise typer.Exit(check_receivers(receivers))
    source = AlertSource(python_client_options(shared), shared, settings.notify_name, now_ms())
    log.info("sending alerts", receivers=[receiver.name for receiver in receivers])
    group_ms = round(1000 * settings.notify_group_s)
    served = metrics.served(settings.notify_metrics_addr)
    with stop_signal() as stopping, closing(source), served as address, scrape_target(shared.home, "notify", address):
        Notifier(source, Episodes(selection), receivers, group_ms, now_ms, stopping.wait).run()
    if stopping.interrupted:
        raise typer.Exit(EXIT_INTERRUPTED)


def now_ms() -> int:
    """Epoch milliseconds."""
    return time.time_ns() // 1_000_000


def open_filter(settings: NotifySettings, shared: Settings) -> AlertFilter:
    """The selection of the settings. Raises RuleError for a rule that does not exist."""
    rules = alert_rules(shared)
    for name in settings.notify_rules:
        require_rule(rules, name)
    return AlertFilter(settings.notify_rules, settings.notify_severities, settings.notify_books)


def open_receivers(settings: NotifySettings) -> list[Receiver]:
    """All receivers of the settings. Raises UsageError without any, and BadReceiver for an invalid address."""
    receivers: list[Receiver] = []
    if url := settings.notify_alertmanager_url.get_secret_value():
        receivers.append(Alertmanager(url, now_ms))
    receivers += [Service(url) for url in settings.notify_urls.get_secret_value().split()]
    if not receivers:
        raise UsageError(
            "no receiver is set: set NOTIFY_ALERTMANAGER_URL (http://localhost:9093), or NOTIFY_URLS to addresses of "
            "apprise"
        )
    return receivers


def check_receivers(receivers: Sequence[Receiver]) -> int:
    """Send a test alert that has ended to each receiver; print a line for each, and return the exit status."""
    now, status = now_ms(), 0
    text = "depthflow test: this receiver takes alerts"
    alert = Alert(
        f"test|depthflow|TEST|{now}|exit", "depthflow", "TEST", "test", "info", "exit", now, now, None, None, text
    )
    for receiver in receivers:
        try:
            receiver.send([Change(alert)])
            typer.echo(f"{receiver.name}: taken")
        except Unavailable as error:
            typer.echo(f"{receiver.name}: {error}")
            status = EXIT_UNAVAILABLE
    return status
