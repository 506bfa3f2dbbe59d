"""A model from what a file says of it."""

from __future__ import annotations

from .saving import Saved, as_tensors
from .sequential import Sequential


def restored(saved: Saved) -> Sequential:
    """The model that was saved. ValueError or TypeError if what the file says cannot be a model."""
    model = Sequential(saved.layers, saved.loss, saved.seed, saved.dtype)
    model.network()  # complains of what cannot be run
    for name, view in as_tensors(model.layers, model.parameters).items():
        view[...] = saved.tensors[name]
    model.rng.bit_generator.state = saved.generator
    model.resume(saved.steps, saved.column_targets)
    return model
