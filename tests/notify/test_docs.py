"""docs/notifications.md against settings and metrics."""

from core.resources import ROOT
from notify import metrics
from notify.settings import NotifySettings

PAGE = (ROOT / "docs" / "notifications.md").read_text()


def test_the_page_has_every_setting() -> None:
    names = [name.upper() for name in NotifySettings.model_fields if name != "depthflow_home"]
    assert [name for name in names if f"| `{name}` |" not in PAGE] == []


def test_the_page_has_every_metric() -> None:
    families = [family for each in metrics.ALL for family in each.collect()]
    names = [f"{family.name}_total" if family.type == "counter" else family.name for family in families]
    assert [name for name in names if f"| `{name}" not in PAGE] == []
