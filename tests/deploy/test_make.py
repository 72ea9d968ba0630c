"""Verbs of the Makefile for operators: the commands that they run on the local stack and on the compose file."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from core.resources import ROOT
from stack.cli.main import COMMANDS, load
from tests.deploy import compose_file

VERBS = (
    "build up down restart status logs logs-app logs-kafka create-topics list-topics describe-topic consume-topic "
    "produce-test-message run clean help"
).split()
COMPOSE_VERBS = {"up", "down", "restart", "logs", "ps", "run", "build"}
SERVICES = compose_file.raw()["services"]
# Outside of the make that runs the tests: a nested make prints its folder and inherits options.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}


def commands(verb: str, *settings: str) -> list[str]:
    """The command lines that a verb would run, without those that prepare the environment."""
    make = ["make", "--dry-run", f"BIN={Path(sys.executable).parent}", "READY=", *settings, verb]
    done = subprocess.run(make, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, check=True)
    return [line for line in done.stdout.splitlines() if not line.startswith("echo")]


def compose_words(verb: str, *settings: str) -> list[str]:
    """Words after `docker compose` and its options."""
    line = commands(verb, "STACK=compose", *settings)[-1]
    words = shlex.split(line.split(" && ")[-1 if verb != "clean" else 0])
    words = words[words.index("compose") + 1 :]
    return words[2:] if words[0] == "--profile" else words


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb != "help"])
def test_every_verb_is_in_the_help(verb: str) -> None:
    done = subprocess.run(
        ["make", "--silent", "help"], cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, check=True
    )
    assert re.search(rf"\b{verb}\b", done.stdout)


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb not in ("build", "clean", "help")])
def test_a_verb_calls_a_command_of_ours_on_the_local_stack(verb: str) -> None:
    for line in commands(verb):
        for name in re.findall(r"/depthflow (\w+)", line):
            assert name in COMMANDS


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb != "help"])
def test_a_verb_calls_docker_compose_with_services_that_exist(verb: str) -> None:
    word, *rest = compose_words(verb)
    assert word in COMPOSE_VERBS
    named = [each for each in rest if not each.startswith("-") and not each.isdigit()]
    if word == "run":
        service, command, *arguments = named
        assert service == "cli" and command in COMMANDS
        assert arguments[0] in load(command).commands
    else:
        assert set(named) <= SERVICES.keys()


def test_profiles_and_names_are_passed_on() -> None:
    assert commands("up", "STACK=compose", "PROFILES=with-grafana,with-notify")[-1] == (
        "COMPOSE_PROFILES=with-grafana,with-notify docker compose up --detach"
    )
    assert compose_words("logs", "NAME=gateway") == ["logs", "--tail", "50", "gateway"]
    assert compose_words("describe-topic", "TOPIC=trades")[-1] == "trades"
    assert commands("run", "STACK=compose") == ["SIMULATED=1 docker compose --profile simulated up --detach"]


def test_an_unknown_stack_is_an_error() -> None:
    done = subprocess.run(["make", "STACK=docker", "up"], cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True)
    assert done.returncode == 2 and "STACK=docker: expected embedded or compose" in done.stderr


def test_soak_runs_every_file_with_a_test_that_takes_long() -> None:
    uses = re.compile(r"^from tests\.(soak|sql\.fault_injection) import", re.MULTILINE)
    files = {str(path.relative_to(ROOT)) for path in ROOT.glob("tests/**/test_*.py") if uses.search(path.read_text())}
    assert set(re.findall(r"tests/\S+\.py", commands("soak")[-1])) == files
