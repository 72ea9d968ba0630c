"""Option prints of exchanges, from analytics.md §8.5: B by Binance, D by Deribit as dumped by third parties."""

from typing import NamedTuple


class Print(NamedTuple):
    """Mark in coin for D and in USD for B; `vol` is a fraction, as published."""

    id: str
    is_call: bool
    strike: float
    ms_to_expiry: int
    forward: float
    mark: float
    vol: float
    delta: float
    gamma: float
    vega: float
    theta: float | None
    rho: float | None


B = [
    Print(
        "B1",
        True,
        126000,
        758056679,
        104334.60217391,
        770.543,
        0.9408058,
        0.11111964,
        0.00001245,
        30.63855919,
        -164.26702615,
        None,
    ),
    Print(
        "B2",
        True,
        126000,
        1017256679,
        104334.60217391,
        1249.61,
        0.93310237,
        0.14869196,
        0.00001326,
        43.43627792,
        -172.12148811,
        None,
    ),
]

D = [
    Print("D1", True, 20000, 1740499276, 23227.53, 0.1553, 0.7212, 0.83341, 0.00006, 13.62974, -24.39797, 8.69414),
    Print(
        "D2", True, 100000, 30403454279, 116086.34, 0.2425, 0.4543, 0.71138, 0.00001, 389.29255, -25.13021, 524.77921
    ),
    Print("D3", False, 9875, 115200587, 9756.36, 0.02210436, 0.6289, -0.61752, 0.00103, 2.24964, -53.05655, -0.22796),
    Print("D4", False, 9875, 115195546, 9756.37, 0.0220948, 0.6286, -0.61757, 0.00103, 2.24954, -53.02754, -0.22798),
]

# Strike, time, forward, mark and vol of the prints that come without Greeks; D8 has no mark and a capped theta.
D_MARKS = [
    ("D5", False, 73000, 6040905110, 78877.53, 0.03127502, 0.3663),
    ("D6", False, 104000, 11287550709, 64312.37, 0.62020722, 0.4142),
    ("D7", False, 160000, 17935118368, 61048.04, 1.63560187, 0.7348),
]
D8 = Print("D8", True, 40000, 100754000, 36692.74, float("nan"), 0.9091, 0.04912, 0.00005, 2.10958, None, 0.0564)

MS_PER_YEAR = 365 * 86_400_000
