"""A job on the running cluster, measured with temporary topics."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from confluent_kafka.admin import AdminClient

from bench.cleanup import remove_left_overs, run_prefix
from bench.offsets import Counter
from core.settings import Settings
from core.topics import TOPICS, Topic
from ingestion.topics import ensure_topics
from jobs.submit import FlinkCluster, cancel, require_slots, require_startable, run, run_command


def prepare(*jobs: str, options: Sequence[str] = ()) -> Settings:
    """Settings with a topic prefix for this run, on a cluster without left-overs of killed benchmarks.

    `options`: those of each job's submission. Raises SubmitError for a cluster that does not respond or has fewer free
    slots than the jobs need.
    """
    settings = Settings(topic_prefix=run_prefix())
    remove_left_overs(settings)
    cluster = FlinkCluster.of(settings)
    for job in jobs:
        require_startable(cluster, job)
    require_slots(cluster, len(jobs) * slots_of(options))
    return settings


def slots_of(options: Sequence[str]) -> int:
    """Number of slots of a job with these options."""
    return next((int(each.partition("=")[2]) for each in options if each.startswith("--parallelism=")), 1)


@contextmanager
def temporary_topics(settings: Settings, *prefixes: str, wanted: Sequence[Topic] = TOPICS) -> Iterator[None]:
    """Create topics, by default all, of each prefix, and delete them at the end of the block."""
    created = [
        name
        for prefix in prefixes
        for name in ensure_topics(settings.kafka_bootstrap_servers, settings.topic_partitions, wanted, prefix).created
    ]
    try:
        yield
    finally:
        # The job has ended by now: deleting a topic under an exactly-once writer would end the TaskManager.
        if created:  # the client refuses an empty list
            admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap_servers})
            for deleted in admin.delete_topics(created).values():
                deleted.result()


@contextmanager
def running(settings: Settings, job: str, options: list[str]) -> Iterator[None]:
    """Run the job from the beginning of its topics, and cancel it at the end of the block."""
    with started(settings, job, run_command(FlinkCluster.of(settings), job, options, None)):
        yield


@contextmanager
def running_program(settings: Settings, name: str, options: list[str], program: list[str]) -> Iterator[None]:
    """Run a job that is no part of the product. `program`: the end of the `flink run` command, without options."""
    head = run_command(FlinkCluster.of(settings), "books", options, None)[:-2]
    with started(settings, name, [*head, *program]):
        yield


@contextmanager
def started(settings: Settings, job: str, command: list[str]) -> Iterator[None]:
    """Run a command that submits the job of that name, and cancel the job at the end of the block."""
    cluster = FlinkCluster.of(settings)
    try:
        run(command, settings)
        yield
    finally:
        cancel(cluster, job)
        while cluster.running(job):
            time.sleep(0.1)


def job_rate(settings: Settings, job: str, options: list[str], counter: Counter, topic: str, target: int) -> float:
    """Records per second on `topic` (given without the prefix) until the job has written `target`; then it ends."""
    with running(settings, job, options):
        return counter.rate_until(settings.topic_prefix + topic, target)
