"""Registration of processes as targets in the folder of a stack."""

import json
from pathlib import Path

from core.scrape_targets import scrape_target, targets_folder, unobserved_targets_folder


def test_a_process_is_a_target_while_it_runs(tmp_path: Path) -> None:
    targets_folder(tmp_path).mkdir()
    with scrape_target(tmp_path, "forwarder", "127.0.0.1:2112", venue="kraken"):
        (file,) = targets_folder(tmp_path).glob("*.json")
        labels = {"job": "forwarder", "venue": "kraken"}
        assert json.loads(file.read_text()) == [{"targets": ["127.0.0.1:2112"], "labels": labels}]
    assert not list(targets_folder(tmp_path).iterdir())


def test_without_prometheus_a_process_is_registered_for_the_gateway(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    with scrape_target(tmp_path, "forwarder", "127.0.0.1:2112"):
        assert [file.name for file in unobserved_targets_folder(tmp_path).iterdir()] == ["forwarder-2112.json"]
    assert not list(unobserved_targets_folder(tmp_path).iterdir()) and not targets_folder(tmp_path).exists()


def test_nothing_is_written_outside_of_a_stack(tmp_path: Path) -> None:
    with scrape_target(tmp_path, "forwarder", "127.0.0.1:2112"):
        assert not list(tmp_path.iterdir())


def test_a_process_without_a_server_is_no_target(tmp_path: Path) -> None:
    targets_folder(tmp_path).mkdir()
    with scrape_target(tmp_path, "recorder", ""):
        assert not list(targets_folder(tmp_path).iterdir())
