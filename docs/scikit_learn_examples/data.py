"""Stand-ins for the two data sets that the examples download from OpenML."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from fastmlp.datasets import load_mnist


def fetch_openml(name: str, *, version: int = 1, return_X_y: bool = False, as_frame: bool = True) -> Any:
    """Return MNIST or a data frame like that of bike sharing, in the form in which scikit-learn's `fetch_openml` does.

    Raises
    ------
    ValueError
        If another data set, or another form, is asked for.
    """
    if (name, as_frame) == ("mnist_784", False):
        X, y = mnist()
        return (X, y) if return_X_y else Bunch(data=X, target=y)
    if (name, as_frame, return_X_y) == ("Bike_Sharing_Demand", True, False):
        frame = bike_sharing()
        return Bunch(frame=frame, data=frame.drop(columns="count"), target=frame["count"])
    raise ValueError(f"fetch_openml: there is no stand-in for {name!r}, version {version}, as_frame={as_frame}, return_X_y={return_X_y}")


def mnist() -> tuple[np.ndarray, np.ndarray]:
    """Return all 70,000 images, the training images first: pixels (70000, 784) from 0 to 255, int64, and labels as text (70000,)."""
    (X_train, y_train), (X_test, y_test) = load_mnist()
    X, y = np.concatenate([X_train, X_test]), np.concatenate([y_train, y_test])
    return X.astype(np.int64), y.astype(str).astype(object)


def bike_sharing(seed: int = 0) -> pd.DataFrame:
    """Make the counts of bikes rented in each hour of 2011 and 2012; columns and dtypes are those of OpenML's bike sharing data.

    The numbers are made, not measured. The temperature follows the season and the time of day; humidity, wind and weather are random
    and depend on one another; the counts are Poisson numbers. Their mean is a product of factors: peaks at 8 and at 17 to 18 o'clock on
    working days and a broad maximum in the afternoon of other days, pleasant temperatures, dry air, little wind, no rain, and half as
    many customers again in the second year.

    Parameters
    ----------
    seed : int
        Seed of the random numbers.

    Returns
    -------
    DataFrame of shape (17544, 13)
        One row per hour, in order. `year`, `month`, `hour`, `weekday` (0 is Sunday) and `count` are int64; `season`, `holiday`,
        `workingday` and `weather` are categories; `temp` and `feel_temp` (degrees Celsius), `humidity` (0 to 1) and `windspeed` (km/h)
        are float64.
    """
    draw = np.random.RandomState(seed)
    time = pd.date_range("2011-01-01", "2012-12-31 23:00", freq="h")
    hour, weekday = time.hour.to_numpy(), (time.day_of_week.to_numpy() + 1) % 7
    n, days = len(time), len(time) // 24
    holiday = np.repeat(draw.uniform(size=days) < 0.03, 24)
    working = (weekday % 6 != 0) & ~holiday
    summer = -np.cos(2 * np.pi * (time.day_of_year.to_numpy() - 15) / 365)  # -1 in the middle of January, 1 in July
    cloud = np.repeat(draw.uniform(size=days), 24) + draw.normal(0, 0.15, n)
    weather = np.select([cloud < 0.65, cloud < 0.9, cloud < 1.35], ["clear", "misty", "rain"], "heavy_rain")
    temp = 19 + 11 * summer + 4 * np.sin(np.pi * (hour - 9) / 12) + np.repeat(draw.normal(0, 3, days), 24) + draw.normal(0, 0.5, n)
    humidity = np.clip(0.45 + 0.3 * cloud - 0.1 * np.sin(np.pi * (hour - 9) / 12) + draw.normal(0, 0.08, n), 0.1, 1)
    windspeed = draw.gamma(3, 4.5, n)
    feel_temp = temp + 3 * (humidity - 0.5) - 0.1 * windspeed + draw.normal(0, 0.5, n)
    commuters = np.exp(-(((hour - 8) / 1.2) ** 2)) + 1.2 * np.exp(-(((hour - 17.5) / 1.8) ** 2)) + 0.3 * np.exp(-(((hour - 13) / 4) ** 2))
    excursions = 0.9 * np.exp(-(((hour - 14) / 4.5) ** 2))
    mean = 400 * (0.03 + np.where(working, commuters, excursions)) * np.exp(-(((temp - 27) / 18) ** 2))
    mean *= (1.2 - 0.6 * humidity) * (1 - 0.008 * np.minimum(windspeed, 40)) * np.where(time.year == 2012, 1.5, 1.0)
    mean *= np.select([weather == "rain", weather == "heavy_rain"], [0.5, 0.3], 1.0)
    return pd.DataFrame(
        {
            "season": pd.Categorical(np.array(["winter", "spring", "summer", "fall"])[time.month.to_numpy() % 12 // 3]),
            "year": (time.year - 2011).to_numpy(np.int64),
            "month": time.month.to_numpy(np.int64),
            "hour": hour.astype(np.int64),
            "holiday": pd.Categorical(holiday.astype(str)),
            "weekday": weekday.astype(np.int64),
            "workingday": pd.Categorical(working.astype(str)),
            "weather": pd.Categorical(weather),
            "temp": temp,
            "feel_temp": feel_temp,
            "humidity": humidity,
            "windspeed": windspeed,
            "count": draw.poisson(mean).astype(np.int64),
        }
    )
