"""The demo's exchanges end with the demo."""

import signal
from pathlib import Path

from stack.exchanges import exchanges


def test_what_was_started_ends_where_interrupts_are_ignored_as_in_the_background_of_a_script(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with exchanges(tmp_path) as running:
            children = [child.process for child in running._children]
            assert len(children) == 8
    finally:
        signal.signal(signal.SIGINT, before)
    assert all(child.returncode is not None for child in children)
