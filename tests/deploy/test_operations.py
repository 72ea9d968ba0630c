"""The runbook: its sections, and its commands, each of which a test runs, or which is marked as not run."""

import re
import shlex
from functools import cache
from typing import Any

import pytest

from core.resources import ROOT
from stack.cli.main import COMMANDS, load
from stack.services.observation import PACKAGES

TEXT = (ROOT / "docs" / "operations.md").read_text()
# Commands in the text with their marks, and those in blocks of their own.
FOUND = re.findall(r"`(?:/\S+/)?(depthflow [^`]+)`( †)?", TEXT) + [
    (line, "") for line in re.findall(r"^    (depthflow .*)$", TEXT, re.M)
]
RUN = sorted({command for command, mark in FOUND if not mark})
README = "tests/test_readme.py"  # runs the commands of that page
TESTS = {  # of a command without a mark: its verbs and options, and a test that runs it
    "bench books": README,
    "bench domain": README,
    "doctor": README,
    "down": "tests/stack/test_wheel.py",
    "rebuild": README,
    "record": "tests/ingestion/archive/test_record_stack.py",
    "replay": "tests/ingestion/test_replay_stack.py",
    "status": "tests/stack/services/test_lifecycle.py",
    "stop": "tests/jobs/test_sql_upgrade_stack.py",
    "submit": README,
    "submit --allow-non-restored-state": "tests/jobs/test_sql_upgrade_stack.py",
    "submit --fresh": "tests/jobs/test_submit.py",
    "topics create": "tests/reader/test_topics_cli.py",
    "topics list": "tests/reader/test_topics_cli.py",
    "topics tail": "tests/reader/test_topics_cli.py",
    "up": "tests/stack/test_wheel.py",
    "up --observe": "tests/deploy/observed.py",
    "upgrade": "tests/stack/test_two_installations.py",
    "upgrade --back-to": "tests/stack/test_two_installations.py",
    "upgrade --parallelism": "tests/stack/cli/test_upgrade_command.py",
}
PROGRAMS = ("apt-get", "docker", "helm", "kubectl", "make", "pg_dump", "psql")
# Of a command of another program without a mark: what a test has of it.
OTHERS = {
    "make env": ("tests/deploy/test_compose.py", "make_env.py"),
    "psql -f init-db.sql": ("tests/deploy/test_services_stack.py", "init-db.sql"),
    f"apt-get install {' '.join(PACKAGES)}": ("tests/deploy/test_observed_stack.py", "PACKAGES"),
}


def test_the_contents_lead_to_sections() -> None:
    anchors = {heading.lower().replace(" ", "-") for heading in re.findall(r"^#+ (.+)$", TEXT, re.MULTILINE)}
    links = set(re.findall(r"\]\(#([\w-]+)\)", TEXT))
    assert links <= anchors and len(links) >= 15


def parse(command: str) -> None:
    """Parse a command as its own parser does, without running it. Raises its error.

    A verb alone is a mention of it, so that it may lack its arguments.
    """
    _, verb, *arguments = shlex.split(command)
    loaded, name = load(verb), verb
    if getattr(loaded, "commands", None):
        name = arguments.pop(0)
        loaded = loaded.commands[name]
    loaded.make_context(name, arguments, resilient_parsing=not arguments)


@pytest.mark.parametrize("command", sorted({command for command, _ in FOUND}))
def test_a_command_is_one_that_its_parser_accepts(command: str) -> None:
    parse(command)


@pytest.mark.parametrize(
    ("command", "error"),
    [
        ("depthflow submit books --fersh", "No such option: --fersh"),
        ("depthflow submit nothing", "'nothing' is not one of"),
        ("depthflow topics create --none", "No such option: --none"),
    ],
)
def test_a_wrong_option_or_argument_is_found(command: str, error: str) -> None:
    with pytest.raises(Exception, match=error):
        parse(command)


@cache
def options() -> set[str]:
    """Options of all commands."""

    def of(command: Any) -> set[str]:
        own = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        return own.union(*map(of, getattr(command, "commands", {}).values()))

    return set().union(*(of(load(verb)) for verb in COMMANDS))


def test_every_option_that_is_named_alone_exists() -> None:
    named = set(re.findall(r"`(?:\w+ )?(--[\w-]+)[^`]*`", TEXT))
    assert len(named) > 3 and named - options() == set()


@pytest.mark.parametrize("command", RUN)
def test_a_command_without_a_mark_is_run_by_a_test(command: str) -> None:
    """The test has each of its words, an option also as the name of a parameter."""
    _, *words = command.split()
    has_verbs = words[0] in ("bench", "topics")
    key = " ".join([*words[: 2 if has_verbs else 1], *(word for word in words if word.startswith("--"))])
    text = (ROOT / TESTS[key]).read_text() + ((ROOT / "README.md").read_text() if TESTS[key] == README else "")
    for word in key.split():
        name = word.removeprefix("--")
        assert re.search(rf"\b({name}|{name.replace('-', '_')})\b", text), (word, TESTS[key])


def test_a_command_of_another_program_is_marked_or_run_by_a_test() -> None:
    spans = re.findall(rf"`((?:{'|'.join(PROGRAMS)}) [^`]+)`( †)?", TEXT)
    assert {" ".join(command.split()) for command, mark in spans if not mark} == OTHERS.keys()
    for path, part in OTHERS.values():
        assert part in (ROOT / path).read_text()


def test_every_setting_of_the_page_exists() -> None:
    known = (ROOT / ".env.example").read_text() + (ROOT / "docs" / "forwarders.md").read_text()
    named = set(re.findall(r"`([A-Z]{2,}(?:_[A-Z]+)+)\b", TEXT))
    assert named and {name for name in named if name not in known and name.lower() not in known} == set()
