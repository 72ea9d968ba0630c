"""Randomly damaged recordings yield envelopes and a report, or one RecordingError; nothing else."""

import tracemalloc
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.recordings import Recording, RecordingError
from tests.ingestion.builders import encode, generator, gzip_copy, simulate, write_recording

ENVELOPES = [
    envelope for venue in ("binance", "kraken", "deribit") for envelope in simulate(generator(venue).connections[0], 5)
]
LINES = {
    "envelopes": [encode(envelope) for envelope in ENVELOPES],
    "plain": [bytes(envelope.frame) for envelope in ENVELOPES if not envelope.event],  # type: ignore[arg-type]
    "hftbacktest": [b"1700000000000000000 %b" % bytes(e.frame) for e in ENVELOPES if not e.event],  # type: ignore[arg-type]
    "cryptofeed": [b'{"t":"header","format":2,"exchange":"KRAKEN"}', b'{"t":"recv","ts":1.5,"data":"{}"}'] * 5,
}


@settings(max_examples=300)
@given(st.sampled_from(sorted(LINES)), st.integers(0, 2**32), st.integers(0, 40))
def test_any_damage_causes_only_rejects_or_one_error(
    tmp_path_factory: pytest.TempPathFactory, kind: str, seed: int, edits: int
) -> None:
    random = Random(seed)
    data = bytearray(b"\n".join(LINES[kind]))
    for _ in range(edits):
        at = random.randrange(len(data))
        data[at : at + random.randrange(4)] = random.randbytes(random.randrange(4))
    path = tmp_path_factory.getbasetemp() / "damaged"
    path.write_bytes(bytes(data))
    try:
        recording = Recording(path)
        count = sum(1 for _ in recording)
    except RecordingError as error:
        assert str(path) in str(error)
        return
    assert count == recording.report.accepted
    assert bool(recording.report.rejected) == bool(recording.report.errors)


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    lines = [line.decode() for line in LINES["hftbacktest"]]
    peaks = []
    for times in (10, 200):
        path = gzip_copy(write_recording(tmp_path, *lines * times))
        tracemalloc.start()
        for _ in Recording(path, "binance"):
            pass
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]
