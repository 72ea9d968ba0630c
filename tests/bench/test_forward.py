"""`depthflow bench forward` measures every frame and skips a peer that cannot be installed."""

from pathlib import Path

import pytest

from bench import forward
from bench.forward import BARE, bare_pipeline, cryptofeed_pipelines, forwarder_pipeline, ratios, run, topics
from bench.forwarding import PRODUCERS
from bench.peer import Peer
from core.settings import Settings
from tests.conftest import Stack

FRAMES = 10_000


@pytest.mark.parametrize("name", [*PRODUCERS, BARE])
def test_every_frame_is_acknowledged_and_timed(stack: Stack, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_BOOTSTRAP_SERVERS", stack.kafka)
    with topics(Settings()) as prefix:
        bare = bare_pipeline(Settings(), FRAMES, prefix)
        measured = run(bare if name == BARE else forwarder_pipeline(name, FRAMES, prefix), FRAMES, 0, 0)
    assert measured.frames == FRAMES and measured.seconds > 0 and measured.cpu_s > 0
    assert 0 < measured.ack_p50_ms <= measured.ack_p99_ms


def test_a_peer_that_cannot_be_installed_is_reported_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(forward, "CRYPTOFEED", Peer("cryptofeed", (str(tmp_path / "nowhere"),)))
    assert list(cryptofeed_pipelines(Settings(flink_home=tmp_path / "flink"), FRAMES, "")) == []
    lines = capsys.readouterr().out.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("cryptofeed cannot be installed: ERROR: ")
    assert lines[0].endswith("; it is skipped")


def test_ratios_are_those_of_the_same_client_to_the_bare_loop() -> None:
    rows = {
        BARE: {"frames_per_s": 40_000.0, "cpu_s_per_million": 25.0},
        "kafka-python": {"frames_per_s": 30_000.0, "cpu_s_per_million": 30.0},
        "confluent-kafka": {"frames_per_s": 80_000.0, "cpu_s_per_million": 10.0},
    }
    assert ratios(rows) == {"ratio": 0.75, "cpu_ratio": 1.2}
