"""`depthflow chain` on recordings: tables, picture, and what it says when it cannot."""

import pytest
from typer.testing import CliRunner, Result

from market.errors import UserError
from reader.chain_cli import app
from reader.chain_recording import read_recording
from reader.chain_snapshot import expiry_name
from tests.frames import FOLDER
from tests.market.options.builders import EXPIRY

SUMMARY = FOLDER / "deribit/deribit-smile-stuff_book_summary_btc_option_20260428.json"
TICKERS = FOLDER / "deribit/cryptofeed_DERIBIT_20210722.jsonl.gz"

pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason="needs the recorded frames in ../shared/frames/deribit")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)


def test_a_line_for_each_expiry():
    lines = run("btc", "--from", SUMMARY).stdout.splitlines()
    assert "BTC options, 2026-04-28 19:22:25 UTC, index 76,090.54" in lines[0]
    assert len(lines) == 2 + 12
    assert "26JUN26" in lines[9]
    assert "76,079.8~" in lines[2]


@pytest.mark.parametrize("spelt", ["8MAY26", "8may26", "2026-05-08"])
def test_a_line_for_each_strike(spelt):
    lines = run("BTC", "--from", SUMMARY, "--expiry", spelt).stdout.splitlines()
    assert "BTC 8MAY26, forward 76,067.64" in lines[15]
    assert len(lines) == 14 + 1 + 2 + 21
    assert sum("max pain 77,000" in line for line in lines) == 1


@pytest.mark.parametrize(("source", "underlying"), [(SUMMARY, "BTC"), (TICKERS, "ETH")])
def test_the_picture_is_drawn(tmp_path, source, underlying):
    picture = tmp_path / "chain.png"
    assert run(underlying, "--from", source, "--plot", picture).exit_code == 0
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_chain_without_smiles_says_what_is_missing():
    assert "no_straddle" in run("ETH", "--from", TICKERS, "--expiry", "30JUL21").stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("SOL", "--from", SUMMARY), "holds no options on SOL: expected one of BTC"),
        (("BTC", "--from", "nowhere.json"), "nowhere.json: No such file or directory"),
        (
            ("BTC", "--from", SUMMARY, "--expiry", "9MAY26"),
            "no expiry 9MAY26 in this chain: expected one of 29APR26, 30APR26",
        ),
        (("BTC", "--from", SUMMARY, "--plot", "/nowhere/chain.png"), "cannot write /nowhere/chain.png"),
        (("BTC", "--from", SUMMARY, "--plot", "chain.xyz"), "cannot write chain.xyz"),
    ],
)
def test_what_cannot_be_done_names_cause_and_mend(arguments, said):
    with pytest.raises(UserError, match=said):
        run(*arguments)


def test_the_snapshot_holds_the_records_of_the_job():
    found = read_recording(SUMMARY, "BTC")
    assert (len(found.expiries), len(found.legs)) == (12, 908)
    assert found.expiries[found.place(None)].expiry == found.expiries[7].expiry


def test_names_of_expiries_have_no_leading_zero():
    assert expiry_name(EXPIRY) == "27NOV26"
    assert expiry_name(EXPIRY + 7 * 86_400_000) == "4DEC26"
