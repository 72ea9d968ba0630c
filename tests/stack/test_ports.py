import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack.errors import StackError
from stack.ports import check_ports
from stack.settings import StackSettings
from tests.conftest import stack_settings


@pytest.fixture
def settings(tmp_path: Path) -> StackSettings:
    return stack_settings(tmp_path)


@pytest.fixture
def squatter(settings: StackSettings) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", settings.postgres_port)):
        yield settings.postgres_port


def test_a_taken_port_is_named_with_its_holder_and_the_setting_that_moves_it(
    settings: StackSettings, squatter: int
) -> None:
    with pytest.raises(StackError, match=rf"port {squatter} is taken by \S+ \(pid {os.getpid()}\)") as error:
        check_ports(settings.ports())
    assert "POSTGRES_PORT=" in error.value.mend and str(squatter) not in error.value.mend


def test_free_ports_pass(settings: StackSettings) -> None:
    check_ports(settings.ports())
