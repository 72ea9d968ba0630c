"""`depthflow chain` on recordings: tables, picture and error messages."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from core.errors import UserError
from ingestion.recordings import ReadAccount
from reader.chain_cli import app
from reader.chain_recording import read_recording
from reader.chain_snapshot import expiry_name
from tests.market.options.builders import EXPIRY, NOW
from tests.recorded_frames import FOLDER, case_path, recorded_path

SUMMARY = FOLDER / "deribit/deribit-smile-stuff_book_summary_btc_option_20260428.json"
TICKERS = FOLDER / "deribit/cryptofeed_DERIBIT_20210722.jsonl.gz"

FIXTURE = recorded_path("fixtures/deribit/plain.jsonl")

needs_recording = pytest.mark.skipif(
    not FOLDER.exists(), reason="needs the recorded frames in ../shared/frames/deribit"
)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)


@needs_recording
def test_the_summary_has_a_row_for_each_expiry():
    lines = run("btc", "--from", SUMMARY).stdout.splitlines()
    assert "BTC options, 2026-04-28 19:22:25 UTC, index 76,090.54" in lines[0]
    assert len(lines) == 2 + 12
    assert "26JUN26" in lines[9]
    assert "76,079.8~" in lines[2]


@needs_recording
@pytest.mark.parametrize("name", ["8MAY26", "8may26", "2026-05-08"])
def test_an_expiry_has_a_row_for_each_strike(name):
    lines = run("BTC", "--from", SUMMARY, "--expiry", name).stdout.splitlines()
    assert "BTC 8MAY26, forward 76,067.64" in lines[15]
    assert len(lines) == 14 + 1 + 2 + 21
    assert sum("max pain 77,000" in line for line in lines) == 1


@needs_recording
@pytest.mark.parametrize(("source", "underlying"), [(SUMMARY, "BTC"), (TICKERS, "ETH")])
def test_the_picture_is_written(tmp_path, source, underlying):
    picture = tmp_path / "chain.png"
    assert run(underlying, "--from", source, "--plot", picture).exit_code == 0
    assert picture.read_bytes().startswith(b"\x89PNG")


@needs_recording
def test_a_chain_without_smiles_shows_its_flags():
    assert "no_straddle" in run("ETH", "--from", TICKERS, "--expiry", "30JUL21").stdout


@needs_recording
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("SOL", "--from", SUMMARY), "contains no options on SOL; expected one of BTC"),
        (("BTC", "--from", "nowhere.json"), "nowhere.json: No such file or directory"),
        (
            ("BTC", "--from", SUMMARY, "--expiry", "9MAY26"),
            "unknown expiry '9MAY26'; expected one of 29APR26, 30APR26",
        ),
        (("BTC", "--from", SUMMARY, "--plot", "/nowhere/chain.png"), "cannot write /nowhere/chain.png"),
        (("BTC", "--from", SUMMARY, "--plot", "chain.xyz"), "cannot write chain.xyz"),
    ],
)
def test_errors_name_cause_and_remedy(arguments, message):
    with pytest.raises(UserError, match=message):
        run(*arguments)


@needs_recording
def test_a_recording_gives_the_records_of_its_chain():
    snapshot = read_recording(SUMMARY, "BTC")
    assert (len(snapshot.expiries), len(snapshot.options)) == (12, 908)
    assert snapshot.expiries[snapshot.expiry_index(None)].expiry == snapshot.expiries[7].expiry


@pytest.mark.parametrize("file", ["plain", "envelopes", "cryptofeed"])
def test_every_recording_format_gives_the_same_chain(file):
    snapshot = read_recording(recorded_path(f"fixtures/deribit/{file}.jsonl"), "BTC")
    assert (len(snapshot.expiries), len(snapshot.options)) == (2, 12)
    assert snapshot == read_recording(FIXTURE, "BTC")


def test_an_expiry_of_a_generated_chain_has_a_row_for_each_strike(tmp_path):
    picture = tmp_path / "chain.png"
    shown = run("BTC", "--from", FIXTURE, "--expiry", "2026-01-01", "--plot", picture)
    assert "BTC options, 2026-01-01 00:00:05 UTC" in shown.stdout
    assert [line.split()[0] for line in shown.stdout.splitlines()[2:4]] == ["1JAN26", "2JAN26"]
    assert sum("max pain call wall 62,000" in line for line in shown.stdout.splitlines()) == 1
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("ETH", "--from", FIXTURE), "contains no options on ETH; expected one of BTC"),
        (("BTC", "--from", FIXTURE, "--expiry", "3JAN26"), "unknown expiry '3JAN26'; expected one of 1JAN26, 2JAN26"),
        (("BTC", "--from", FIXTURE, "--plot", "/nowhere/chain.png"), "cannot write /nowhere/chain.png"),
    ],
)
def test_errors_of_a_generated_chain_name_cause_and_remedy(arguments, message):
    with pytest.raises(UserError, match=message):
        run(*arguments)


def summary_file(folder: Path, **bad: object) -> Path:
    """A book summary of four BTC options in one file; `bad` are fields of the 70,000 call."""
    rows = [
        {"instrument_name": f"BTC-27NOV26-{leg}", "creation_timestamp": NOW, "mark_price": mark, "mark_iv": 50.0}
        | {"open_interest": 4.0, "underlying_price": 70000.0, "underlying_index": "BTC-27NOV26"}
        for leg, mark in (("60000-P", 0.01), ("60000-C", 0.15), ("70000-P", 0.03), ("70000-C", 0.03))
    ]
    rows[-1] |= bad
    path = folder / "summary.json"
    path.write_text(json.dumps({"jsonrpc": "2.0", "result": rows}))
    return path


def test_a_file_whose_rows_are_all_used_says_so_and_ends_with_0(tmp_path):
    result = run("BTC", "--from", summary_file(tmp_path))
    assert result.exit_code == 0
    assert result.stderr == "used 4, skipped 0, refused 0\n"


def test_the_row_of_an_expiry_is_not_wrapped_in_a_pipe(tmp_path):
    path = summary_file(tmp_path)
    path.write_text(
        re.sub(r'("(?:mark_price|mark_iv|open_interest|underlying_price)": )[\d.]+', r"\g<1>0", path.read_text())
    )
    (row,) = [line for line in run("BTC", "--from", path).stdout.splitlines() if "27NOV26" in line]
    assert {"no_forward", "no_open_interest", "no_zero_gamma", "no_fit"} <= set(row.split())


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ({"open_interest": 9.2e18}, "$.open_interest"),
        ({"mark_price": -1e-8}, "$.mark_price"),
        ({"mark_price": "0.03"}, "$.mark_price"),
        ({"creation_timestamp": NOW + 40 * 86_400_000}, "expected an event time"),
    ],
)
def test_refused_rows_of_a_file_are_named_and_counted_and_the_status_is_1(tmp_path, bad, reason):
    path = summary_file(tmp_path, **bad)
    result = run("BTC", "--from", path)
    warning, refused, account = result.stderr.splitlines()
    assert result.exit_code == 1
    assert warning == "BTC 27NOV26: the newest row of 1 option was refused; sums lack them"
    assert refused.startswith(f"refused: {path}:1: BTC-27NOV26-70000-C: ") and reason in refused
    assert account == "used 3, skipped 0, refused 1"
    assert "27NOV26" in result.stdout and "refused_rows" in result.stdout


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (None, "Expected `str`, got `null` - at `$.instrument_name`"),
        ("BTC-27NOV26-70000", "BTC-27NOV26-70000: not the name of an option"),
        ("BTC-27NOV26-70000-X", "BTC-27NOV26-70000-X: not the name of an option"),
        ("BTC-" + "7" * 500, "expected a name of at most 64 characters, got 504"),
    ],
)
def test_a_row_without_the_name_of_an_option_is_refused_and_the_others_are_used(tmp_path, name, reason):
    result = run("BTC", "--from", summary_file(tmp_path, instrument_name=name))
    assert (result.exit_code, reason in result.stderr) == (1, True)
    assert "used 3, skipped 0, refused 1" in result.stderr


def test_a_perpetual_beside_options_is_skipped(tmp_path):
    result = run("BTC", "--from", summary_file(tmp_path, instrument_name="BTC-PERPETUAL", mark_iv=None))
    assert (result.exit_code, "used 3, skipped 1 (no options 1), refused 0" in result.stderr) == (0, True)


def test_a_file_of_refused_rows_only_says_why(tmp_path):
    rows = [{"instrument_name": "BTC-27NOV26-70000-C", "creation_timestamp": NOW, "mark_price": "0.05"}]
    path = tmp_path / "summary.json"
    path.write_text(json.dumps({"jsonrpc": "2.0", "result": rows}))
    account = ReadAccount()
    with pytest.raises(UserError, match=r"all that could be options was refused \(1\)"):
        read_recording(path, "BTC", account=account)
    assert account.reasons[0].startswith(f"{path}:1: BTC-27NOV26-70000-C: Expected `float")


def test_one_of_two_rows_from_the_future_is_refused_and_ends_no_expiry(tmp_path):
    names = ("BTC-27NOV26-70000-C", "BTC-25DEC26-70000-C")
    rows = [
        {"instrument_name": name, "creation_timestamp": NOW + days * 86_400_000, "mark_price": 0.05}
        for name, days in zip(names, (0, 30), strict=True)
    ]
    path = tmp_path / "summary.json"
    path.write_text(json.dumps({"jsonrpc": "2.0", "result": rows}))
    account = ReadAccount()
    assert [option.instrument for option in read_recording(path, "BTC", account=account).options] == [names[0]]
    assert "BTC-25DEC26-70000-C: expected an event time" in account.reasons[0]


def test_an_expiry_whose_quotes_are_hours_older_than_the_others_is_told(tmp_path):
    path = tmp_path / "frames.jsonl"
    frames = [
        {"jsonrpc": "2.0", "method": "subscription", "params": {"channel": f"ticker.{name}.100ms", "data": data}}
        for name, time in (("BTC-27NOV26-70000-C", NOW), ("BTC-4DEC26-70000-C", NOW + 7_200_000))
        for data in [{"instrument_name": name, "timestamp": time, "mark_price": 0.05, "open_interest": 1.0}]
    ]
    path.write_text("".join(json.dumps(frame) + "\n" for frame in frames))
    result = run("BTC", "--from", path)
    assert "BTC 27NOV26: quotes of 1 of 1 options are stale, the newest is 7,200 s old" in result.stderr
    assert (result.exit_code, result.stdout.count("stale_quotes")) == (0, 1)


@pytest.mark.parametrize("source", ["topic", "database"])
def test_the_age_of_the_newest_second_of_a_topic_or_table_is_told(monkeypatch, source):
    module = "reader.chain_topics.read_topics" if source == "topic" else "reader.chain_database.read_database"
    monkeypatch.setattr(module, lambda underlying, settings: read_recording(FIXTURE, underlying))
    assert f"s old; no newer one is in the {source}" in run("BTC", "--from", source).stderr


def test_refused_rows_of_other_chains_are_skipped(tmp_path):
    rows = [
        {"instrument_name": f"{underlying}-27NOV26-70000-C", "creation_timestamp": NOW, "open_interest": amount}
        | {"quote_currency": "USD"}
        for underlying, amount in (("BTC", 1.0), ("ETH", -1.0))
    ]
    path = tmp_path / "summary.json"
    path.write_text(json.dumps({"jsonrpc": "2.0", "result": rows}))
    account = ReadAccount()
    assert "refused_rows" not in read_recording(path, "BTC", account=account).expiries[0].flags
    assert (account.used, account.refused, account.skipped["of ETH"]) == (1, 0, 1)


@pytest.mark.parametrize(
    ("case", "status", "shown", "told"),
    [
        ("31-one-absurd-open-interest.json", 1, "refused_rows", "used 5, skipped 0, refused 1"),
        ("31b-negative-mark.json", 1, "refused_rows", "used 3, skipped 0, refused 3"),
        ("32-all-zero.json", 0, "no_forward", "used 4, skipped 0, refused 0"),
        ("33-null-underlying-price.json", 0, "76,004.3~", "used 6, skipped 0, refused 0"),
    ],
)
def test_published_incidents_are_told(case, status, shown, told):
    result = run("BTC", "--from", case_path(case))
    assert (result.exit_code, shown in result.stdout, told in result.stderr) == (status, True, True)


def test_the_name_of_an_expiry_has_no_leading_zero():
    assert expiry_name(EXPIRY) == "27NOV26"
    assert expiry_name(EXPIRY + 7 * 86_400_000) == "4DEC26"
