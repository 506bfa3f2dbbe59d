"""Create a model from the description and the tensors that a file contains."""

from __future__ import annotations

from .saving import Saved, as_tensors
from .sequential import Sequential


def restored(saved: Saved) -> Sequential:
    """Return the model that was saved. Raise ValueError or TypeError if the description does not make a model."""
    model = Sequential(saved.layers, saved.loss, saved.seed, saved.dtype)
    model.network()  # raises ValueError if the layers do not make a network
    for name, view in as_tensors(model.layers, model.parameters).items():
        view[...] = saved.tensors[name]
    model.rng.bit_generator.state = saved.generator
    model.resume(saved.steps, saved.column_targets)
    return model
