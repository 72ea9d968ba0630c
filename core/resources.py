"""Files that are not Python code: SQL relations, the Flink configuration and the database schema."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]  # the checkout, or site-packages where the wheel is installed
_IN_WHEEL = ROOT / "depthflow_data"
INSTALLED = _IN_WHEEL.is_dir()

DATA = _IN_WHEEL if INSTALLED else ROOT  # the folder of `sql/`, `flink-conf/` and `init-db.sql`
DEFAULT_HOME = Path(".depthflow") if INSTALLED else ROOT / ".depthflow"  # the local stack's folder
