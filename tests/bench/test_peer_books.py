"""Our book beside those of peers, without their packages."""

import sys
from pathlib import Path

import pytest

from bench import peer_books
from bench.peer import Peer
from bench.peer_books import BookCost, frames, measure, run
from core.errors import UserError


def test_our_book_is_measured_over_every_frame(tmp_path: Path) -> None:
    path = tmp_path / "frames"
    path.write_bytes(b"\n".join(list(frames())[:200]))
    cost = run(sys.executable, "bench.peers.own_book", path)
    assert 0 < cost.apply_us and 0 < cost.with_sums_us and cost.depth > 0


def test_books_that_disagree_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    costs = iter([BookCost(1, 2, 10.0), BookCost(1, 2, 11.0)])
    monkeypatch.setattr(peer_books, "PEERS", (("other", Peer("other", ()), "other"),))
    monkeypatch.setattr(peer_books, "peer_python", lambda home, peer: "python")
    monkeypatch.setattr(peer_books, "run", lambda *arguments: next(costs))
    with pytest.raises(UserError, match="^the books disagree"):
        measure(print)
