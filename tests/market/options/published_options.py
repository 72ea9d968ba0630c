"""Published option prices, volatilities and Greeks. Undiscounted (rate 0), act/365 to 08:00 UTC.

B: Binance, sample of the optionMarkPrice stream. D: Deribit tickers as third parties published them; forward and mark
are rounded there and not of exactly the same time. D1: FinX documentation; D2: GEC API dump; D3, D4: tardis
options_chain sample, rows 1 and 2; D5: volengine test; D6: a capture test; D7: sample comment; D8: optionsdx fields.
"""

from typing import NamedTuple


class PublishedOption(NamedTuple):
    """Values of one option as published. `mark`: coin for D, USD for B; `vol`: fraction."""

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
    PublishedOption(
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
    PublishedOption(
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
    PublishedOption(
        "D1", True, 20000, 1740499276, 23227.53, 0.1553, 0.7212, 0.83341, 0.00006, 13.62974, -24.39797, 8.69414
    ),
    PublishedOption(
        "D2", True, 100000, 30403454279, 116086.34, 0.2425, 0.4543, 0.71138, 0.00001, 389.29255, -25.13021, 524.77921
    ),
    PublishedOption(
        "D3", False, 9875, 115200587, 9756.36, 0.02210436, 0.6289, -0.61752, 0.00103, 2.24964, -53.05655, -0.22796
    ),
    PublishedOption(
        "D4", False, 9875, 115195546, 9756.37, 0.0220948, 0.6286, -0.61757, 0.00103, 2.24954, -53.02754, -0.22798
    ),
]

# Type, strike, time to expiry, forward, mark and vol of options published without Greeks.
D_MARKS = [
    ("D5", False, 73000, 6040905110, 78877.53, 0.03127502, 0.3663),
    ("D6", False, 104000, 11287550709, 64312.37, 0.62020722, 0.4142),
    ("D7", False, 160000, 17935118368, 61048.04, 1.63560187, 0.7348),
]
# No mark; the published theta is capped at the remaining value, so it is left out.
D8 = PublishedOption(
    "D8", True, 40000, 100754000, 36692.74, float("nan"), 0.9091, 0.04912, 0.00005, 2.10958, None, 0.0564
)

MS_PER_YEAR = 365 * 86_400_000
