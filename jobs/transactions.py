"""Transactions of the jobs' output at the broker, before a job is submitted.

Each submission has transactional ids of its own (`run_id`). A resumed job aborts the open transactions of the run whose
state it resumes. One without state cannot know them, so `submit --fresh` aborts them.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kafka import KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from kafka.errors import KafkaError

from core.kafka_client import connect, no_broker_message, python_client_options
from core.settings import Settings
from jobs.submit import SubmitError

PREFIXES = {
    "books": ("depthflow-books",),
    "options": ("depthflow-options",),
    "alerts": ("depthflow-alerts",),
    "analytics": (),
    "cache": (),
}
EXPIRATION = "transactional.id.expiration.ms"
_logger = logging.getLogger(__name__)


def abort_open(settings: Settings, job: str) -> int:
    """Abort the open transactions of a job that is not running, and return their number.

    Otherwise readers of committed records would wait for their timeout. Raises SubmitError if no broker responds.
    """
    prefixes = tuple(settings.topic_prefix + prefix for prefix in PREFIXES[job])
    if not prefixes:
        return 0
    with _admin(settings) as admin:
        listed = admin.list_transactions(state_filters=["Ongoing"])
    ids = [each.transactional_id for found in listed.values() for each in found]
    ours = [each for each in ids if each.startswith(prefixes)]
    for transactional_id in ours:
        producer = connect(KafkaProducer, python_client_options(settings), transactional_id=transactional_id)
        producer.init_transactions()
        producer.close()
    return len(ours)


def require_known(settings: Settings, job: str, age_s: float) -> None:
    """Raises SubmitError for state whose transactional ids the broker has forgotten: Flink would restart for ever.

    Flink commits the transactions of the state again. If the broker no longer knows an id
    (InvalidPidMappingException), the connector fails and Flink restarts the job. If the broker does not return its
    setting, nothing is checked.
    """
    if not PREFIXES[job]:
        return
    expiration_s = _expiration_s(settings)
    if expiration_s is not None and age_s > expiration_s:
        raise SubmitError(
            f"the newest state of {job} is {age_s / 3600:.1f} h old, but the broker forgets transactions after "
            f"{expiration_s / 3600:.1f} h ({EXPIRATION}), and Flink could not resume from it: submit with --fresh, "
            "which continues from the committed offsets, or name the state with --from if the job had no output then"
        )


def _expiration_s(settings: Settings) -> float | None:
    try:
        with _admin(settings) as admin:
            broker = str(next(iter(admin.describe_cluster()["brokers"]))["broker_id"])
            resource = ConfigResource(ConfigResourceType.BROKER, broker, {EXPIRATION: None})
            found = admin.describe_configs([resource], config_filter="all")
        return float(_value(found, EXPIRATION)) / 1000
    except (KafkaError, KeyError, StopIteration, TypeError, ValueError) as error:
        _logger.debug("no %s: %s", EXPIRATION, error)
        return None


def _value(found: Any, name: str) -> Any:
    """The value of a setting in the nested response: by type and name of the resource, then by setting."""
    settings = next(iter(next(iter(found.values())).values()))
    entry = settings[name]
    return entry["value"] if isinstance(entry, dict) else entry


@contextmanager
def _admin(settings: Settings) -> Iterator[Any]:
    client = python_client_options(settings)
    try:
        admin = connect(KafkaAdminClient, client)
    except (KafkaError, OSError) as error:
        raise SubmitError(no_broker_message(client, error)) from error
    try:
        yield admin
    finally:
        admin.close()
