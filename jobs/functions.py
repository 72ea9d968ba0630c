"""Python functions that `sql/functions/` gives to SQL, for what it has no words for; each is a shell of a pure one."""

from collections.abc import Sequence
from itertools import chain

from pyflink.common import Row
from pyflink.table import DataTypes
from pyflink.table.udf import udf

from jobs import outputs
from market.batch import Reject
from market.standing import Moment, Standing
from market.standing import standing as stood

STANDING = DataTypes.ROW(
    [
        DataTypes.FIELD(name, DataTypes.BIGINT() if kind is int else DataTypes.DOUBLE())
        for name, kind in Standing.__annotations__.items()
    ]
)


@udf(result_type=STANDING)  # type: ignore[untyped-decorator]
def standing(ticks: Sequence[Sequence[Moment]], end_ms: int) -> Row:
    """`market.standing` of the moments of ticks, as arrays: thread mode makes every element of ARRAY<ROW> the last."""
    return Row(*stood(chain.from_iterable(ticks), end_ms))


@udf(result_type=DataTypes.STRING())  # type: ignore[untyped-decorator]
def dead_letter(reason: str, topic: str, partition: int, offset: int, value: bytes | None) -> str:
    """`outputs.dead_letter` of a whole record that lies in a topic."""
    held = None if value is None else bytes(value)
    return outputs.dead_letter(Reject(0, reason, "record"), topic, partition, offset, held).decode()
