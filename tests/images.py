"""Images with many zeros, and a model trained on them: for every form of the images, the result must have the same bits."""

import numpy as np

from fastmlp import Adam, Dense, ReLU, Sequential

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, size=(50, 21), dtype=np.uint8) * (RNG.uniform(size=(50, 21)) < 0.4)
IMAGES[:, 4:9] = 0
LABELS = RNG.integers(0, 3, size=50)


def scaled(dtype):
    """Return the images as numbers from 0 to 1."""
    return IMAGES.astype(dtype) * np.dtype(dtype).type(1 / 255)


def trained(X, dtype, y=LABELS):
    """Return parameters, losses and outputs after some epochs."""
    model = Sequential([Dense(21, 6), ReLU(), Dense(6, 3)], loss="softmax_cross_entropy", dtype=dtype)
    losses = model.fit(X, y, epochs=3, batch_size=16, optimizer=Adam(0.01)).losses
    return model.parameters, losses, model.predict_proba(X), np.float64(model.evaluate(X, y))
