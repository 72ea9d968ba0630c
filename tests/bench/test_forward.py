"""`depthflow bench forward` measures every frame and skips a peer that cannot be installed."""

from pathlib import Path

import pytest

from bench import forward_pipelines
from bench.forward import HEADINGS, Runs, ratios
from bench.forward_pipelines import BARE, bare_pipeline, cryptofeed_pipelines, forwarder_pipeline, run, topics
from bench.forwarding import PRODUCERS, Measured
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
    monkeypatch.setattr(forward_pipelines, "CRYPTOFEED", Peer("cryptofeed", (str(tmp_path / "nowhere"),)))
    assert list(cryptofeed_pipelines(Settings(flink_home=tmp_path / "flink"), FRAMES, "")) == []
    lines = capsys.readouterr().out.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("cryptofeed cannot be installed: ERROR: ")
    assert lines[0].endswith("; it is skipped")


def runs(*rates: float, cpu_s: float) -> Runs:
    """Runs at full speed of 10,000 frames with these rates, each with so much processor time; a paced run."""
    full = [Measured(FRAMES, FRAMES / rate, cpu_s, 1.0, 2.0) for rate in rates]
    return Runs(full, 5_000.0, Measured(FRAMES, 2.0, 0.5, 6.0, 12.0))


def test_ratios_are_those_of_pairs_of_the_same_client() -> None:
    rows = {
        BARE: runs(40_000, 20_000, 10_000, cpu_s=0.25),
        "kafka-python": runs(30_000, 18_000, 5_000, cpu_s=0.3),
        "confluent-kafka": runs(80_000, 80_000, 80_000, cpu_s=0.1),
    }
    assert ratios(rows) == pytest.approx({"ratio": 0.75, "least_ratio": 0.5, "most_ratio": 0.9, "cpu_ratio": 1.2})


def test_a_row_has_the_median_of_the_runs_at_full_speed_and_the_latency_of_the_paced_one() -> None:
    figures = runs(30_000, 18_000, 5_000, cpu_s=0.3).figures()
    assert list(figures.values()) == pytest.approx([18_000, 10_000 / 0.3, 30, 5_000, 6, 12])
    assert len(figures) == len(HEADINGS)
