"""Tables into a pipe are neither cut nor wrapped."""

import subprocess
import sys

CALL = (
    "from rich.table import Table; from reader.output import table_console; "
    "table = Table('rule', 'book'); table.add_row('r' * 150, 'kraken:BTC/USD'); table_console().print(table)"
)


def test_a_table_into_a_pipe_shows_names_whole() -> None:
    done = subprocess.run([sys.executable, "-c", CALL], capture_output=True, text=True, check=True)
    assert any("r" * 150 in line and "kraken:BTC/USD" in line for line in done.stdout.splitlines())
