"""A job on the running cluster, measured over topics of its own."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from confluent_kafka.admin import AdminClient

from bench.offsets import Counter
from ingestion.topics import ensure_topics
from jobs.submit import Cluster, cancel, run, run_command
from market.settings import Settings


@contextmanager
def own_topics(settings: Settings, *prefixes: str) -> Iterator[None]:
    """All topics behind each prefix, gone afterwards."""
    created = [
        name
        for prefix in prefixes
        for name in ensure_topics(settings.kafka_bootstrap_servers, settings.topic_partitions, prefix=prefix).created
    ]
    try:
        yield
    finally:
        # By now the job has ended: a topic that goes under an exactly-once writer takes the TaskManager along.
        admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap_servers})
        for deleted in admin.delete_topics(created).values():
            deleted.result()


@contextmanager
def running(settings: Settings, job: str, options: list[str]) -> Iterator[None]:
    """The job, from the beginning of its topics; it has ended afterwards."""
    cluster = Cluster.of(settings)
    run(run_command(cluster, job, options, None), settings)
    try:
        yield
    finally:
        cancel(cluster, job)
        while cluster.running(job):
            time.sleep(0.1)


def job_rate(settings: Settings, job: str, options: list[str], counter: Counter, topic: str, wanted: int) -> float:
    """Records per second on `topic` (without the prefix) until the job has written `wanted`; it has ended then."""
    with running(settings, job, options):
        return counter.rate_until(settings.topic_prefix + topic, wanted)
