"""Output, summary, exit codes and error texts of `depthflow rebuild` and `depthflow replay`."""

import os
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from threading import Thread

import msgspec
import pytest
from typer.testing import CliRunner, Result

from core.records import Processed
from ingestion import cli
from ingestion.producer import ProducerConfig, RawProducer
from ingestion.topics import Difference, TopicReport
from tests.ingestion.builders import encode, generator, recorded_file, simulate, write_recording
from tests.ingestion.test_producer import FakeClient
from tests.recorded_frames import recorded_path

TLS_HANDSHAKE = b"\x16"  # type of the first TLS record


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli.app, [str(argument) for argument in arguments])


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Forty steps of one Kraken book, as depthflow's own envelopes."""
    return write_recording(
        tmp_path, *(encode(envelope).decode() for envelope in simulate(generator("kraken").connections[0], 40))
    )


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> FakeClient:
    """A broker that accepts every record."""
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
    assert (row[0], row[2], row[3:8], row[9:]) == ("kraken:BTC/USD", str(len(records)), ["0"] * 5, ["0", "in", "sync"])
    assert int(row[8]) > 0
    assert "refused 0" in result.stderr
    assert result.exit_code == 0


def test_ticks_go_to_a_file_and_stand_for_every_record(recording: Path, tmp_path: Path) -> None:
    result = run("rebuild", recording, "--ticks", tmp_path / "ticks.jsonl")
    ticks = [msgspec.json.decode(line) for line in (tmp_path / "ticks.jsonl").read_text().splitlines()]
    assert sum(tick["updates"] for tick in ticks if tick["kind"] == "book") == len(result.stdout.splitlines())
    assert {tick["kind"] for tick in ticks} == {"book", "trade"}


def test_a_file_for_ticks_that_cannot_be_written_is_named_with_the_cause(recording: Path, tmp_path: Path) -> None:
    result = run("rebuild", recording, "--ticks", tmp_path / "none" / "ticks.jsonl")
    assert "cannot be written: No such file or directory; name a file in a folder that" in str(result.exception)


def test_a_book_out_of_sync_exits_with_1(recording: Path, tmp_path: Path) -> None:
    lines = [line for line in recording.read_text().splitlines() if '"snapshot"' not in line]
    result = run("rebuild", write_recording(tmp_path, *lines, name="cut"))
    assert "out of sync" in result.stderr
    assert (result.stdout, result.exit_code) == ("", 1)


@pytest.mark.parametrize("symbol", ["ETH/USD", "btc/usd"])
def test_a_symbol_that_matches_nothing_exits_with_1_and_names_those_seen(recording: Path, symbol: str) -> None:
    result = run("rebuild", "--symbol", symbol, recording)
    assert (result.stdout, result.exit_code) == ("", 1)
    assert f"no frame of {symbol}; symbols in the recordings: BTC/USD" in result.stderr
    assert "nothing was used" in result.stderr


def test_a_replay_that_sends_nothing_exits_with_1(recording: Path, client: FakeClient) -> None:
    result = run("replay", "--symbols", "ETH/USD", recording)
    assert "nothing was used" in result.stderr
    assert (client.records, result.exit_code) == ([], 1)


def test_a_replay_of_a_damaged_recording_exits_with_1(tmp_path: Path, recording: Path, client: FakeClient) -> None:
    path = write_recording(tmp_path, *recording.read_text().splitlines(), '{"venue":"kra', name="cut")
    result = run("replay", path)
    assert "refused 1" in result.stderr
    assert (len(client.records) > 0, result.exit_code) == (True, 1)


def test_rejected_lines_are_reported_with_their_file(recording: Path, tmp_path: Path) -> None:
    path = write_recording(tmp_path, *recording.read_text().splitlines(), '{"venue":"kra', name="cut")
    result = run("rebuild", path)
    assert f"{path}: 1 line rejected" in result.stderr
    assert result.exit_code == 1


@pytest.mark.parametrize("name", ["fixtures/kraken/plain.jsonl", "binance_futures/hftbacktest_*"])
def test_a_closed_output_pipe_is_not_an_error(name: str) -> None:
    path = recorded_file(name)
    call = "import sys; from ingestion.cli import app; sys.argv = ['depthflow', 'rebuild', *sys.argv[1:]]; app()"
    with subprocess.Popen(
        [sys.executable, "-c", call, *[path] * 20], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert (process.stderr.read(), process.wait()) == (b"", 0)


def test_the_books_of_the_fixtures_end_in_sync() -> None:
    result = run("rebuild", *sorted(recorded_path("fixtures/").glob("*/cryptofeed.jsonl")))
    assert result.exit_code == 0
    assert result.stderr.count("in sync") == 1 + 1 + 1 + 2
    assert "frames without a book: index 3, instrument 1, ticker.100ms 24" in result.stderr


def test_the_recorded_books_end_in_sync() -> None:
    folder = recorded_path("")
    result = run("rebuild", *sorted(folder.glob("*/cryptofeed_*")), recorded_file("kraken/crypto-tracker_*"))
    assert result.exit_code == 0
    assert result.stderr.count("in sync") == 4 + 4 + 10 + 2
    assert "frames without a book: instrument 4, ticker.raw 89" in result.stderr


def test_a_recording_is_replayed_byte_for_byte(recording: Path, client: FakeClient) -> None:
    result = run("replay", recording)
    lines = recording.read_bytes().splitlines()
    assert [value for _, _, value in client.records] == lines
    assert f"{len(lines)} records in " in result.stderr
    assert "warning: trades.raw: expected partitions=4, broker has 1" in result.stderr


def test_limits_and_symbols_restrict_a_replay(recording: Path, client: FakeClient) -> None:
    run("replay", recording, "--frames", 7)
    assert len(client.records) == 7
    run("replay", recording, "--symbols", "ETH/USD")
    assert len(client.records) == 7
    run("replay", recording, "--seconds", 0.5)
    assert 7 < len(client.records) < 20


def test_without_a_recording_the_same_seed_generates_the_same_records(client: FakeClient) -> None:
    for _ in range(2):
        run("replay", "--frames", 100, "--seed", 3, "--venue", "kraken,deribit")
    assert client.records[:100] == client.records[100:]
    assert {key.split(b":")[0] for _, key, _ in client.records} == {b"kraken", b"deribit"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--speed", "0"), "expected max or a number above 0, got '0'"),
        (("--speed", "fast"), "expected max or a number above 0, got 'fast'"),
        (("--symbols", "FOO"), "no venue lists FOO; name the venue with --venue"),
        (("--venue", "mtgox"), "unknown venue mtgox"),
        (("--symbols", ""), "expected names separated by commas, got ''"),
        (("--venue", ","), "expected names separated by commas, got ','"),
    ],
)
def test_a_wrong_option_is_a_usage_error(arguments: tuple[str, ...], message: str, client: FakeClient) -> None:
    result = run("replay", *arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.replace("│", " ").split())


def test_ctrl_c_flushes_and_exits_with_130(client: FakeClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> object:
        yield next(iter(generator("kraken")))
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_generated_envelopes", interrupted)
    result = run("replay", "--speed", 1)
    assert result.exit_code == 130
    assert "orderbook.raw: 1 records" in result.stderr
    assert client.closed
    assert ProducerConfig("x").client_options()["acks"] == "all"


def test_replay_connects_with_the_security_of_the_settings(tmp_path: Path) -> None:
    received: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        Thread(target=collect_first_bytes, args=(server, received), daemon=True).start()
        result = subprocess.run(
            [sys.executable, "-m", "stack", "replay", "--frames", "5", "--bootstrap-servers", address],
            env=os.environ | {"KAFKA_SECURITY_PROTOCOL": "SSL"},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=180,
        )
    assert f"no Kafka broker at {address} over SSL" in result.stderr
    assert TLS_HANDSHAKE in {data[:1] for data in received} <= {TLS_HANDSHAKE, b""}


def collect_first_bytes(server: socket.socket, received: list[bytes]) -> None:
    """Note what each client sends first, and close its connection."""
    with suppress(OSError):
        while True:
            with server.accept()[0] as client:
                client.settimeout(1)
                received.append(client.recv(16))
