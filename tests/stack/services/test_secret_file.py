"""Files that only their owner can read."""

from pathlib import Path

from stack.services.secret_file import write_secret


def test_a_secret_is_its_owners_alone_also_in_a_file_that_others_could_read(tmp_path: Path) -> None:
    new, old = tmp_path / "new", tmp_path / "old"
    old.write_text("a longer text from before")
    old.chmod(0o644)
    for path in (new, old):
        write_secret(path, "secret\n")
        assert (path.read_text(), path.stat().st_mode & 0o777) == ("secret\n", 0o600)
