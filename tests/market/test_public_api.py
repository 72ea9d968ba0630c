"""The documentation of the public API against the code."""

import re
from importlib import import_module
from pathlib import Path

import pytest

import market
from core.records import Processed

METRICS = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()


@pytest.mark.parametrize("path", re.findall(r"^    (market\.\S+)", market.__doc__ or "", re.M))
def test_every_documented_entry_point_exists(path: str) -> None:
    module, _, name = path.rpartition(".")
    assert callable(getattr(import_module(module), name))


@pytest.mark.parametrize("field", [name for name in Processed.__struct_fields__ if name not in ("venue", "symbol")])
def test_every_field_of_the_processed_record_is_defined(field: str) -> None:
    section = METRICS.split("### orderbook.processed")[1].split("###")[0]
    assert re.search(rf"^\|[^|]*`{field}`", section, re.M)
