"""`make env`: adds random values of the secrets that docker-compose.yml needs to .env. Existing lines stay.

The standard library is enough, so that a server needs Python and a container engine alone.
"""

import os
import re
import secrets
from pathlib import Path

SECRET = re.compile(r"\$\{(\w+):\?run `make env`}")
LINE = re.compile(r"^\s*(?:export\s+)?(\w+)=[ \t]*(\S.*)$", re.MULTILINE)
BYTES = 32


def secret_names(compose: str) -> list[str]:
    """Names of the variables without which the compose file refuses to start, sorted."""
    return sorted(set(SECRET.findall(compose)))


def add_missing(env: Path, names: list[str]) -> list[str]:
    """Append a random value of each name that has none, and let the owner alone read the file. Returns these names."""
    text = env.read_text() if env.exists() else ""
    present = {name for name, _ in LINE.findall(text)}
    missing = [name for name in names if name not in present]
    descriptor = os.open(env, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with open(descriptor, "a") as out:
        os.fchmod(out.fileno(), 0o600)
        if text and not text.endswith("\n"):
            out.write("\n")
        out.writelines(f"{name}={secrets.token_urlsafe(BYTES)}\n" for name in missing)
    return missing


def main() -> None:
    """Complete the .env of the working folder."""
    added = add_missing(Path(".env"), secret_names(Path("docker-compose.yml").read_text()))
    print(f"added to .env: {', '.join(added)}" if added else ".env has every secret already")


if __name__ == "__main__":
    main()
