"""Tables as files to download."""

import io

import pandas as pd


def as_csv(table: pd.DataFrame) -> bytes:
    """CSV with a header; times are ISO 8601 in UTC, nulls are empty."""
    text: str = table.to_csv(index=False, date_format="%Y-%m-%dT%H:%M:%S.%fZ")
    return text.encode()


def as_parquet(table: pd.DataFrame) -> bytes:
    """Parquet with the types of the table; times have the zone UTC."""
    out = io.BytesIO()
    table.to_parquet(out, index=False)
    return out.getvalue()
