"""Files of the live page: libraries are served and packed, and modules know nothing of the page that has them."""

import re
from pathlib import Path

import pytest

from core.resources import ROOT
from gateway.live import LIBRARY_FILES, PAGE

MODULES = sorted(PAGE.rglob("*.js"))
IMPORT = re.compile(r'^(?:import|}) .*from "([^"]+)"|import\("([^"]+)"\)', re.MULTILINE)
# Only main.js may know that the page is a whole document.
OF_THE_DOCUMENT = re.compile(r"document\.body|getElementById|\blocation\.")


def imports(module: Path) -> list[str]:
    return [one or other for one, other in IMPORT.findall(module.read_text())]


def test_the_wheel_has_every_library_file_that_is_served() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    assert [each for each in LIBRARY_FILES.values() if f'"gateway/web/node_modules/{each}"' not in text] == []


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(PAGE)))
def test_a_module_imports_files_of_the_page_and_libraries_that_are_served(module: Path) -> None:
    for name in imports(module):
        target = (module.parent / name).resolve()
        if target.parent.name == "library":
            assert target.name in LIBRARY_FILES, name
        else:
            assert name.startswith(".") and target.is_file(), name
    assert module.name == "main.js" or not OF_THE_DOCUMENT.search(module.read_text())
