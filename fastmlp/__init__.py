"""Multilayer perceptrons trained on the CPU by compiled code."""

from typing import TYPE_CHECKING, Any

from .engine.losses import Quantile
from .files.optional import optional
from .loading import load
from .measure.gradient_profile import GradientProfile
from .measure.gradient_profiling import profile_gradient
from .measure.inspection import Inspection, inspect_kernel
from .measure.perf_map import enable_perf_map
from .measure.profile import Profile
from .measure.profiling import profile
from .model.bookkeeping import TrainingWarning
from .model.callbacks import Callback, EarlyStopping
from .model.history import History
from .model.layers import ELU, GELU, SELU, Dense, Dropout, LeakyReLU, Mish, ReLU, Sigmoid, SiLU, Softplus, Tanh
from .model.losses import binary_cross_entropy, cross_entropy, softmax
from .model.optimizers import SGD, Adam, AdamW
from .model.schedules import Adaptive, Cosine, InverseScaling, OneCycle, Schedule, StepDecay
from .model.sequential import Sequential
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

if TYPE_CHECKING:
    from .estimators import MLPClassifier, MLPRegressor

__all__ = [
    "MLPClassifier",
    "MLPRegressor",
    "ELU",
    "GELU",
    "SELU",
    "Dense",
    "Dropout",
    "LeakyReLU",
    "Mish",
    "ReLU",
    "Sigmoid",
    "SiLU",
    "Softplus",
    "Tanh",
    "Quantile",
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
    "Callback",
    "EarlyStopping",
    "History",
    "TrainingWarning",
    "Inspection",
    "inspect_kernel",
    "Profile",
    "profile",
    "enable_perf_map",
    "GradientProfile",
    "profile_gradient",
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

ESTIMATORS = ("MLPClassifier", "MLPRegressor")  # imported when first asked for, since they need scikit-learn


def __getattr__(name: str) -> Any:
    if name not in ESTIMATORS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    optional("sklearn", extra="sklearn", purpose=name)
    from . import estimators

    return getattr(estimators, name)
