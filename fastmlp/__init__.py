"""Multilayer perceptrons trained on the CPU as fast as the silicon allows."""

from .layers import ELU, GELU, SELU, Dense, Dropout, LeakyReLU, ReLU, Sigmoid, SiLU, Softplus, Tanh
from .losses import binary_cross_entropy, cross_entropy, softmax
from .optimizers import SGD, Adam, AdamW
from .persistence import load
from .schedules import Adaptive, Cosine, InverseScaling, OneCycle, Schedule, StepDecay
from .sequential import Sequential
from .training import EarlyStopping, History
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
    "ELU",
    "GELU",
    "SELU",
    "Dense",
    "Dropout",
    "LeakyReLU",
    "ReLU",
    "Sigmoid",
    "SiLU",
    "Softplus",
    "Tanh",
    "binary_cross_entropy",
    "cross_entropy",
    "softmax",
    "SGD",
    "Adam",
    "AdamW",
    "Adaptive",
    "Cosine",
    "InverseScaling",
    "OneCycle",
    "Schedule",
    "StepDecay",
    "Sequential",
    "load",
    "EarlyStopping",
    "History",
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
