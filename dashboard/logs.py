"""Streamlit's logs in the form of every other process: one JSON object a line on standard error."""

import logging
from typing import Any

import structlog

from core.logs import configure
from dashboard.settings import DashboardSettings

log = structlog.get_logger("dashboard")


def configure_streamlit(settings: DashboardSettings) -> None:
    """Send the lines of Streamlit's loggers, and those that it prints, through ours. Its options must be loaded."""
    from streamlit import cli_util, logger
    from uvicorn.config import LOGGING_CONFIG

    LOGGING_CONFIG |= {"handlers": {}, "loggers": {}}
    configure(settings.log_level, "dashboard", settings.log_format)
    logger.setup_formatter = _propagate
    logger.update_formatter()
    cli_util.print_to_cli = _log


def _propagate(logger: logging.Logger) -> None:
    """Without a handler of its own, which Streamlit gives every logger."""
    logger.handlers.clear()
    logger.propagate = True


def _log(message: str, **style: Any) -> None:
    if text := message.strip():
        log.info(text)
