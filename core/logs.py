"""Logs on standard error, one event per line, for this code and the libraries alike.

As JSON, the default, every line has `time` (ISO 8601, UTC), `service`, `level` and `event`; `venue` and `symbol` where
it is about one.
"""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

LIBRARY_LEVELS = {
    "kafka": logging.WARNING,
    "websockets": logging.WARNING,
    "aiohttp": logging.WARNING,
    "asyncio": logging.WARNING,
    "uvicorn": logging.WARNING,
}


class SlowTasks(logging.Filter):
    """Drops and counts kafka-python's warnings of slow steps of its selector: a busy machine logs five a minute.

    `count` is the metric `kafka_slow_tasks_total`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def filter(self, record: logging.LogRecord) -> bool:
        if not (record.name.startswith("kafka") and "blocking the event loop" in record.getMessage()):
            return True
        self.count += 1
        return False


SLOW_TASKS = SlowTasks()


@contextmanager
def silenced(library: str) -> Iterator[None]:
    """Suppress a library's log: its warnings end as one of our own errors."""
    logger = logging.getLogger(library)
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


def configure(level: str, service: str, form: str = "json") -> None:
    """Set up logging of the process at `level` (debug, info, warning or error). `service`: name of the process.

    `form`: `json`, or `console` for lines that people read, with colours on a terminal.
    """

    def add_service(logger: object, method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        event["service"] = service
        return event

    shared: list[structlog.typing.Processor] = [
        add_service,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.EventRenamer("event"),
                _renderer(form),
            ],
        )
    )
    handler.addFilter(SLOW_TASKS)
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    for name, minimum in LIBRARY_LEVELS.items():
        logging.getLogger(name).setLevel(minimum)


def _renderer(form: str) -> structlog.typing.Processor:
    if form == "console":
        return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), timestamp_key="time", pad_event_to=0)
    return structlog.processors.JSONRenderer()
