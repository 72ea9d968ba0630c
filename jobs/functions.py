"""Python functions that `sql/functions/` gives to SQL, for what it has no words for; each is a shell of a pure one."""

from collections.abc import Sequence

from pyflink.common import Row
from pyflink.table import DataTypes
from pyflink.table.udf import udf

from market.standing import Standing, Values
from market.standing import standing as stood

STANDING = DataTypes.ROW(
    [
        DataTypes.FIELD(name, DataTypes.BIGINT() if kind is int else DataTypes.DOUBLE())
        for name, kind in Standing.__annotations__.items()
    ]
)


@udf(result_type=STANDING)  # type: ignore[untyped-decorator]
def standing(
    times_ms: Sequence[int],
    updates: Sequence[int],
    in_sync: Sequence[int],
    imbalances: Values,
    spreads: Values,
    weighted: Values,
    microprices: Values,
    end_ms: int,
) -> Row:
    """`market.standing` over index-aligned arrays: thread mode makes every element of ARRAY<ROW> the last."""
    return Row(*stood(times_ms, updates, in_sync, imbalances, spreads, weighted, microprices, end_ms))
