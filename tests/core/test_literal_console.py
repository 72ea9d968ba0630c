"""Console for names and texts of others."""

import io

import pytest
from rich.table import Table

from core.literal_console import literal_console


@pytest.mark.parametrize("text", ["[/x]", "[bold]x[/bold]", "A:B:x:"])
def test_text_and_cells_are_printed_as_they_are(text: str) -> None:
    console = literal_console(width=80)
    console.file = io.StringIO()
    table = Table()
    table.add_column("key")
    table.add_row(text)
    console.print(text)
    console.print(table)
    assert console.file.getvalue().count(text) == 2
