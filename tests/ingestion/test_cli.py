"""`depthflow rebuild` and `replay` from the outside: output, summary, exit codes, error texts."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner, Result

from ingestion import cli
from ingestion.producer import ProducerConfig, RawProducer
from ingestion.topics import Difference, TopicReport
from market.records import Processed
from tests.frames import recorded_path
from tests.ingestion.builders import encode, generator, only, stepped, stored
from tests.ingestion.test_producer import FakeClient


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli.app, [str(argument) for argument in arguments])


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Forty steps of one Kraken book as own envelopes."""
    return stored(tmp_path, *(encode(envelope).decode() for envelope in stepped(generator("kraken").wires[0], 40)))


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> FakeClient:
    """A broker that takes everything."""
    fake = FakeClient()
    monkeypatch.setattr(RawProducer, "connect", lambda config: RawProducer(fake, config.topic_prefix))
    different = Difference("trades.raw", "partitions", "4", "1")
    monkeypatch.setattr(cli, "ensure_topics", lambda *_: TopicReport((), (different,)))
    return fake


def test_records_go_to_standard_output_and_the_summary_to_standard_error(recording: Path) -> None:
    result = run("rebuild", recording)
    records = [msgspec.json.decode(line, type=Processed) for line in result.stdout.splitlines()]
    assert {record.symbol for record in records} == {"BTC/USD"}
    row = next(line.split() for line in result.stderr.splitlines() if "kraken:BTC/USD" in line)
    assert (row[0], row[2], row[3:8], row[8:]) == ("kraken:BTC/USD", str(len(records)), ["0"] * 5, ["in", "sync"])
    assert result.exit_code == 0


def test_a_book_out_of_sync_ends_with_1(recording: Path, tmp_path: Path) -> None:
    lines = [line for line in recording.read_text().splitlines() if '"snapshot"' not in line]
    result = run("rebuild", stored(tmp_path, *lines, name="cut"))
    assert "out of sync" in result.stderr
    assert (result.stdout, result.exit_code) == ("", 1)


def test_another_symbol_is_left_out(recording: Path) -> None:
    assert run("rebuild", "--symbol", "ETH/USD", recording).stdout == ""


def test_lines_that_cannot_be_used_are_named(recording: Path, tmp_path: Path) -> None:
    path = stored(tmp_path, *recording.read_text().splitlines(), '{"venue":"kra', name="cut")
    result = run("rebuild", path)
    assert f"{path}: 1 line could not be used" in result.stderr
    assert result.exit_code == 0


def test_a_reader_that_has_seen_enough_is_no_failure() -> None:
    path = only("binance_futures/hftbacktest_*")
    call = "import sys; from ingestion.cli import app; sys.argv = ['depthflow', 'rebuild', sys.argv[1]]; app()"
    with subprocess.Popen(
        [sys.executable, "-c", call, path], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert (process.stderr.read(), process.wait()) == (b"", 0)


def test_the_recorded_books_end_in_sync() -> None:
    folder = recorded_path("")
    result = run("rebuild", *sorted(folder.glob("*/cryptofeed_*")), only("kraken/crypto-tracker_*"))
    assert result.exit_code == 0
    assert result.stderr.count("in sync") == 4 + 4 + 10 + 2
    assert "not of a book: instrument 4, ticker.raw 89" in result.stderr


def test_a_recording_is_replayed_to_the_byte(recording: Path, client: FakeClient) -> None:
    result = run("replay", recording)
    lines = recording.read_bytes().splitlines()
    assert [value for _, _, value in client.records] == lines
    assert f"{len(lines)} records in " in result.stderr
    assert "warning: trades.raw: expected partitions=4, broker has 1" in result.stderr


def test_limits_and_symbols_narrow_a_replay(recording: Path, client: FakeClient) -> None:
    run("replay", recording, "--frames", 7)
    assert len(client.records) == 7
    run("replay", recording, "--symbols", "ETH/USD")
    assert len(client.records) == 7
    run("replay", recording, "--seconds", 0.5)
    assert 7 < len(client.records) < 20


def test_without_a_recording_the_generator_plays_the_same_again(client: FakeClient) -> None:
    for _ in range(2):
        run("replay", "--frames", 100, "--seed", 3, "--venue", "kraken,deribit")
    assert client.records[:100] == client.records[100:]
    assert {key.split(b":")[0] for _, key, _ in client.records} == {b"kraken", b"deribit"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--speed", "0"), "expected max or a number above 0, got '0'"),
        (("--speed", "fast"), "expected max or a number above 0, got 'fast'"),
        (("--symbols", "FOO"), "no venue is known for FOO: say which one with --venue"),
        (("--venue", "mtgox"), "unknown venue mtgox"),
    ],
)
def test_a_wrong_option_is_a_usage_error(arguments: tuple[str, ...], message: str, client: FakeClient) -> None:
    result = run("replay", *arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.replace("│", " ").split())


def test_ctrl_c_flushes_and_ends_with_130(client: FakeClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> object:
        yield next(iter(generator("kraken")))
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_generated", interrupted)
    result = run("replay", "--speed", 1)
    assert result.exit_code == 130
    assert "orderbook.raw: 1 records" in result.stderr
    assert client.closed
    assert ProducerConfig("x").client_options()["acks"] == "all"
