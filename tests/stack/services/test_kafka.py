"""Configuration of the local broker."""

import uuid
from pathlib import Path

from stack.services.kafka import cluster_id, server_properties
from stack.services.recovery import RECOVERY_S
from stack.services.settings import StackSettings


def test_expired_transactions_are_aborted_later_than_jobs_recover(tmp_path: Path) -> None:
    properties = server_properties(StackSettings(depthflow_home=tmp_path))
    aborted_ms = int(properties["transaction.abort.timed.out.transaction.cleanup.interval.ms"])
    assert aborted_ms > 1000 * (StackSettings().stack_start_timeout_s + RECOVERY_S)


def test_a_cluster_id_never_starts_with_a_dash() -> None:
    dashed = uuid.UUID(bytes=b"\xf8" + bytes(15))
    assert cluster_id(dashed) == "A" + 21 * "A"
    assert cluster_id(uuid.UUID(bytes=bytes(15) + b"\x01")) == 20 * "A" + "AQ"
