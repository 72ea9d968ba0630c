"""Errors about taken ports."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack.services.errors import StackError
from stack.services.ports import check_ports
from stack.services.settings import StackSettings
from tests.conftest import stack_settings


@pytest.fixture
def settings(tmp_path: Path) -> StackSettings:
    return stack_settings(tmp_path)


@pytest.fixture
def occupied_port(settings: StackSettings) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", settings.postgres_port)):
        yield settings.postgres_port


def test_a_taken_port_is_named_with_its_process_and_the_setting_that_moves_it(
    settings: StackSettings, occupied_port: int
) -> None:
    with pytest.raises(StackError, match=rf"port {occupied_port} is taken by \S+ \(pid {os.getpid()}\)") as error:
        check_ports(settings.ports())
    assert "POSTGRES_PORT=" in error.value.remedy and str(occupied_port) not in error.value.remedy


def test_free_ports_are_accepted(settings: StackSettings) -> None:
    check_ports(settings.ports())
