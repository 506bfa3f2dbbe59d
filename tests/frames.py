"""A data frame as it comes, with columns of every kind and missing values in them, for pandas and for polars."""

import numpy as np
import pandas as pd
import polars as pl

CITIES = ["Bern", "Ürümqi", "東京", "\U0001f3d4 base camp"]
N = 240
at = np.arange(N)  # without a random generator, since the stored files must meet the same data in every version of NumPy
size, weight = at * 37 % 101 / 50, at * 53 % 97 / 50 - 1
city, rank, open_ = at * at * 3 % 7 % 4, np.array([1.5, 2.0, 7.0])[at * 11 % 17 % 3], at * 29 % 31 > 12
TARGET = size + 2 * (city == 1) + 0.5 * weight - rank + open_
LABELS = np.where(np.median(TARGET) < TARGET, "high", "low")
COLUMNS = {
    "size": [None if i % 7 == 0 else float(value) for i, value in enumerate(size)],
    "weight": weight.tolist(),
    "count": [i % 5 for i in range(N)],
    "city": [None if i % 11 == 0 else CITIES[place] for i, place in enumerate(city)],
    "rank": [None if i % 13 == 0 else value for i, value in enumerate(rank.tolist())],
    "open": open_.tolist(),
    "never": [None] * N,
}


def pandas_frame():
    return pd.DataFrame(COLUMNS).astype({"rank": "category", "never": "category", "count": "Int64"})


def polars_frame():
    frame = pl.DataFrame(COLUMNS, schema_overrides={"never": pl.String})
    ranks = pl.Enum(["1.5", "2.0", "7.0"])  # polars has categories of strings only
    return frame.with_columns(pl.col("rank").cast(pl.String).cast(ranks))


FRAMES = {"pandas": pandas_frame(), "polars": polars_frame()}
IS_CATEGORICAL = [False, False, False, True, True, True, True]
NUMBERS, CATEGORIES = ["size", "weight", "count"], ["city", "rank", "open"]


def replaced(frame, **columns):
    """The frame with other values in some columns."""
    if isinstance(frame, pl.DataFrame):
        return frame.with_columns(**{name: pl.Series(values, strict=False) for name, values in columns.items()})
    return frame.assign(**columns)
