"""Multilayer perceptrons trained on the CPU as fast as the silicon allows."""

from .two_layer import (
    TrainingRun,
    backward,
    backward_faster,
    backward_pass,
    dense,
    forward_pass,
    initialize_weights,
    mse,
    sigmoid,
    sigmoid_,
    train,
)

__all__ = [
    "TrainingRun",
    "backward",
    "backward_faster",
    "backward_pass",
    "dense",
    "forward_pass",
    "initialize_weights",
    "mse",
    "sigmoid",
    "sigmoid_",
    "train",
]
