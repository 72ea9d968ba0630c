"""Rules of the rooms (ARCHITECTURE.md): imports go one way, without circles, and shared rooms name no exchange."""

import ast
import re
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from core.resources import ROOT
from venues.registry import VENUES

# From the bottom up: a room may import itself and the rooms before it.
ROOMS = (
    "core",
    "market",
    "venues",
    "simulator",
    "ingestion",
    "jobs",
    "ring",
    "reader",
    "notify",
    "gateway",
    "dashboard",
    "bench",
    "stack",
)
STRANGERS = {("jobs", "ingestion"), ("ingestion", "jobs")}
NEUTRAL_ROOMS = ("core", "market", "ingestion", "jobs", "ring", "reader", "notify", "gateway", "dashboard")
EXCHANGES = re.compile("binance|kraken|deribit", re.IGNORECASE)
# Examples that a user reads, and the default of a setting.
ALLOWED_MENTIONS = re.compile(r"Example: depthflow|such as|\"binance\", description=\"venue whose")


def modules(*rooms: str) -> dict[str, Path]:
    """Every module of the rooms by its dotted name."""
    paths = (path for room in rooms for path in sorted((ROOT / room).rglob("*.py")))
    return {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in paths}


MODULES = modules(*ROOMS)


def imports(path: Path, lazy: bool) -> Iterator[str]:
    """Modules of this project that a file imports; with `lazy` those inside functions and type checks as well."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree) if lazy else tree.body:
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            yield next((each for each in (name, name.rpartition(".")[0]) if each in MODULES), "")


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_rooms_below_it(room: str) -> None:
    below = set(ROOMS[: ROOMS.index(room) + 1]) - {other for one, other in STRANGERS if one == room}
    found = {
        f"{name} imports {imported}"
        for name, path in modules(room).items()
        for imported in imports(path, lazy=True)
        if imported and imported.partition(".")[0] not in below
    }
    assert found == set()


def test_no_module_imports_itself_on_a_detour() -> None:
    graph = {name: {each for each in imports(path, lazy=False) if each} - {name} for name, path in MODULES.items()}
    assert list(TopologicalSorter(graph).static_order())


@pytest.mark.parametrize("room", NEUTRAL_ROOMS)
def test_rooms_that_all_venues_share_name_no_exchange(room: str) -> None:
    found = [
        f"{name}:{number}: {line.strip()}"
        for name, path in modules(room).items()
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if EXCHANGES.search(line) and not ALLOWED_MENTIONS.search(line)
    ]
    assert found == []


def test_rooms_that_all_venues_share_name_no_path_of_an_exchange() -> None:
    snapshots = [venue.protocol.snapshots for venue in VENUES.values() if venue.protocol.snapshots is not None]
    ends = {path.rpartition("/")[2] for each in snapshots for path in (each.path, each.info_path)}
    found = [
        f"{name}: {end}"
        for name, path in modules(*NEUTRAL_ROOMS).items()
        for end in ends
        if f'/{end}"' in path.read_text()
    ]
    assert found == [] and ends


def test_no_room_has_more_than_a_quarter_of_the_code() -> None:
    lines = {room: sum(len(path.read_text().splitlines()) for path in modules(room).values()) for room in ROOMS}
    assert max(lines.values()) <= sum(lines.values()) / 4, lines


def docstrings(path: Path) -> Iterator[str]:
    """Docstrings of a file, that of the module first; the module's is empty if it has none."""
    tree = ast.parse(path.read_text())
    yield ast.get_docstring(tree) or ""
    definitions = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    yield from (ast.get_docstring(node) or "" for node in ast.walk(tree) if isinstance(node, definitions))


def test_every_module_has_a_docstring_and_all_name_the_thing_first() -> None:
    opening = re.compile(r"(What|Whether|Who|How|Of|Where|Why)\b")
    files = (MODULES | modules("tests", "examples", "deploy")).values()
    found = {str(path.relative_to(ROOT)): list(docstrings(path)) for path in files}
    assert [path for path, texts in found.items() if not texts[0]] == []
    assert [(path, text) for path, texts in found.items() for text in texts if opening.match(text)] == []


def test_sql_heads_name_the_thing_first() -> None:
    opening = re.compile(r"-- (What|Whether|Who|How|Of|Where|Why)\b")
    found = [str(path) for path in sorted((ROOT / "sql").rglob("*.sql")) if opening.match(path.read_text())]
    assert found == []
