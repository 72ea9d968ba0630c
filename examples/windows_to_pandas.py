"""Read windows into pandas: per symbol, mean spread and the share of time that the book was out of sync.

    python examples/windows_to_pandas.py                          # 1-minute windows of the topic, every symbol
    python examples/windows_to_pandas.py database BTCUSDT         # of the database, one symbol
    python examples/windows_to_pandas.py recordings/              # of a folder written by `depthflow record --topics`

Environment: KAFKA_BOOTSTRAP_SERVERS and TOPIC_PREFIX, or POSTGRES_DSN. Needs: pip install depthflow.
`help(reader)` lists arguments, columns, types and units.
"""

import sys

import pandas as pd

import reader


def summary(windows: pd.DataFrame) -> pd.DataFrame:
    """One row per symbol; windows without a valid book have NaN metrics, which the means skip."""
    return windows.groupby(["venue", "symbol"]).agg(
        first=("window_start", "min"),
        windows=("updates", "size"),
        updates=("updates", "sum"),
        spread_bps=("spread_bps_mean", "mean"),
        imbalance=("imbalance_twa", "mean"),
        out_of_sync=("out_of_sync", "mean"),
    )


def main() -> None:
    source = sys.argv[1] if len(sys.argv) > 1 else "topic"
    symbols = sys.argv[2:] or None
    print(summary(reader.windows(source, symbols=symbols, size="1m")).to_string())


if __name__ == "__main__":
    main()
