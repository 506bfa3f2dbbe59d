"""Small models that several tests share, and data to train them on."""

import numpy as np

from fastmlp import Dense, Sequential, Tanh, reference

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(24, 4)), RNG.normal(size=(24, 2))
X_NEW, Y_NEW = RNG.normal(size=(10, 4)), RNG.normal(size=(10, 2))  # for validation
ROWS = X[:, :3].argmax(axis=1)  # three classes


def make(loss="squared_error", **options):
    """Make a model 4-5-2 for X and Y, or 4-5-3 for X and ROWS."""
    return Sequential([Dense(4, 5), Tanh(), Dense(5, 2 if loss == "squared_error" else 3)], loss=loss, **options)


def problem(N, I=4, O=3):
    """Draw random inputs (N, I) and targets (N, O)."""
    rng = np.random.default_rng([N, I, O])
    return rng.normal(size=(N, I)), rng.normal(size=(N, O))


def two_layers(loss="squared_error", **options):
    """Make a model 4-6-3 for the data of `problem`."""
    return Sequential([Dense(4, 6), Tanh(), Dense(6, 3)], loss=loss, **options)


def reference_layers(model):
    """Return the layers of `two_layers` in the form that the reference expects."""
    first, second = model.dense_layers
    return [reference.Layer(first.W.copy(), first.b.copy(), "tanh"), reference.Layer(second.W.copy(), second.b.copy(), "identity")]
