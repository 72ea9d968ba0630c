import uuid

from stack.kafka import cluster_id


def test_a_cluster_id_is_never_taken_for_an_option() -> None:
    dashed = uuid.UUID(bytes=b"\xf8" + bytes(15))
    assert cluster_id(dashed) == "A" + 21 * "A"
    assert cluster_id(uuid.UUID(bytes=bytes(15) + b"\x01")) == 20 * "A" + "AQ"
