"""The runbook: its sections, and its commands, each of which a test runs, or which is marked as not run."""

import re

import pytest

from core.resources import ROOT
from stack.cli.main import COMMANDS, load

TEXT = (ROOT / "docs" / "operations.md").read_text()
# Commands in the text with their marks, and those in blocks of their own.
FOUND = re.findall(r"`(?:/\S+/)?(depthflow [^`]+)`( †)?", TEXT) + [
    (line, "") for line in re.findall(r"^    (depthflow .*)$", TEXT, re.M)
]
RUN = sorted({command for command, mark in FOUND if not mark})
TESTS = {  # of a verb without a mark, a test that runs it
    "bench": "tests/test_readme.py",
    "doctor": "tests/test_readme.py",
    "down": "tests/stack/test_wheel.py",
    "rebuild": "tests/test_readme.py",
    "record": "tests/ingestion/archive/test_record_stack.py",
    "replay": "tests/ingestion/test_replay_stack.py",
    "status": "tests/stack/services/test_lifecycle.py",
    "stop": "tests/jobs/test_sql_upgrade_stack.py",
    "submit": "tests/stack/test_wheel.py",
    "topics": "tests/reader/test_topics_cli.py",
    "up": "tests/stack/test_wheel.py",
    "upgrade": "tests/stack/test_two_installations.py",
}


def test_the_contents_lead_to_sections() -> None:
    anchors = {heading.lower().replace(" ", "-") for heading in re.findall(r"^#+ (.+)$", TEXT, re.MULTILINE)}
    links = set(re.findall(r"\]\(#([\w-]+)\)", TEXT))
    assert links <= anchors and len(links) >= 15


@pytest.mark.parametrize("command", sorted({command for command, _ in FOUND}))
def test_a_command_exists_with_its_options(command: str) -> None:
    _, verb, *arguments = command.split()
    loaded = load(verb)
    if arguments and arguments[0] in getattr(loaded, "commands", {}):
        loaded = loaded.commands[arguments.pop(0)]
    options = {option for parameter in loaded.params for option in (*parameter.opts, *parameter.secondary_opts)}
    assert {argument for argument in arguments if argument.startswith("-")} <= options
    assert verb in COMMANDS


@pytest.mark.parametrize("command", RUN)
def test_a_command_without_a_mark_is_run_by_a_test(command: str) -> None:
    verb = command.split()[1]
    pages = ["README.md"] if TESTS[verb] == "tests/test_readme.py" else []  # that test runs the commands of the page
    assert re.search(rf"\b{verb}\b", "".join((ROOT / file).read_text() for file in [TESTS[verb], *pages]))


def test_every_setting_of_the_page_exists() -> None:
    known = (ROOT / ".env.example").read_text() + (ROOT / "docs" / "forwarders.md").read_text()
    named = set(re.findall(r"`([A-Z]{2,}(?:_[A-Z]+)+)\b", TEXT))
    assert named and {name for name in named if name not in known and name.lower() not in known} == set()
