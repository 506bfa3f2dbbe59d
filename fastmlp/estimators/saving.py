"""Save estimators in safetensors files, which add parameters, labels and the record of the training to the file of a network."""

from __future__ import annotations

import math
from collections.abc import Callable
from inspect import signature
from typing import Any, TypeVar

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ..engine.arguments import check_choice, check_size, shown
from ..files.atomic import PathLike
from ..files.tensors import Tensor
from ..model.layers import Dense
from ..model.saving import Beside, check_fields, save
from ..model.sequential import Sequential
from .encoding import Encoding
from .parameters import Parameters
from .stopping import Patience
from .stored import as_json, as_tensor, from_json, from_tensor
from .stored_encoding import described_encoding, restored_encoding

FIELDS = ("kind", "parameters", "n_features_in_", "n_iter_", "t_", "loss_", "training", "targets", "encoding")
LATER_FIELDS = {"encoding": None}  # fields added later, which may be missing, with their defaults
TRAINING = ("best_loss_", "best_validation_score_", "rising", "best", "count")  # fields of the mini-batch solvers
CURVES = ("loss_curve_", "validation_scores_", "validation_loss_curve_")  # tensors of the mini-batch solvers, unless they are None
NAMES = "feature_names_in_"
KINDS: dict[str, type[Saving]] = {}
Kind = TypeVar("Kind", bound=type)


def can_be_saved(kind: Kind) -> Kind:
    """Register a class of estimators for `load` under its name. Its subclasses are not registered."""
    KINDS[kind.__name__] = kind
    return kind


class Saving(Parameters):
    """`save` and the restoring of an estimator. Subclasses add what describes the targets."""

    _network: Sequential
    _patience: Patience
    _encoding: Encoding | None
    _adopt: Callable[[], None]
    _hold: Callable[[Sequential], None]
    loss_curve_: list[float] | None

    def save(self, path: PathLike) -> None:
        """Write the fitted estimator to a safetensors file, which `fastmlp.load` reads. The write is atomic.

        A loaded estimator has the same parameters, fitted attributes and predictions, bit for bit. It can be trained further with
        `partial_fit`, or with `fit` if `warm_start` is True. Three things are not saved: the optimizer's state, so that further training
        starts with a new optimizer and the initial learning rate; a `random_state` that is a RandomState instance, which is replaced by
        None; and callbacks and the settings of `set_output` and of metadata routing. Numbers and arrays of NumPy among the parameters
        become numbers and lists of Python. The file contains no training data and no code, so a file of unknown origin is safe to load.

        Parameters
        ----------
        path : str or path-like
            The file to write. By convention its name ends in ``.safetensors``.

        Raises
        ------
        ImportError
            If safetensors is not installed.
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        ValueError, TypeError
            If a coefficient is NaN or infinite, a parameter (such as a function for `scoring`) or the classes are of a type that the file
            cannot hold, or the estimator is an instance of a subclass.
        OSError
            If the file cannot be written, or the path leads to something that is not a regular file.

        Examples
        --------
        >>> import pathlib, tempfile
        >>> from sklearn.datasets import load_iris
        >>> from fastmlp import MLPClassifier, load
        >>> X, y = load_iris(return_X_y=True)
        >>> model = MLPClassifier(random_state=0, solver="lbfgs").fit(X, y)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = pathlib.Path(folder, "iris.safetensors")
        ...     model.save(file)
        ...     again = load(file)
        >>> again
        MLPClassifier(random_state=0, solver='lbfgs')
        >>> bool((again.predict_proba(X) == model.predict_proba(X)).all())
        True
        """
        if KINDS.get(type(self).__name__) is not type(self):
            raise TypeError(f"save: expected an estimator of {' or '.join(KINDS)} itself, got one of the class {type(self).__qualname__}")
        save(self._fitted_network(), path, self._beside())

    def _fitted_network(self) -> Sequential:
        """Return the network with the current coefficients. Raise NotFittedError if there is none."""
        check_is_fitted(self)
        self._adopt()
        return self._network

    def _beside(self) -> Beside:
        parameters = self.get_params(deep=False)
        if isinstance(parameters["random_state"], np.random.RandomState):
            parameters["random_state"] = None
        described, tensors = self._described_targets()
        if hasattr(self, NAMES):
            tensors[NAMES] = as_tensor(NAMES, self.feature_names_in_)
        encoding = None
        if self._encoding is not None:
            encoding, of_columns = described_encoding(self._encoding)
            tensors |= of_columns
        training = None
        if hasattr(self, "_patience"):
            patience = self._patience
            of_curves = {name: getattr(self, name) for name in TRAINING[:2]}
            training = of_curves | {"rising": patience.rising, "best": float(patience.best), "count": patience.count}
            tensors |= {name: np.array(getattr(self, name), np.float64) for name in CURVES if getattr(self, name) is not None}
        description = {
            "kind": type(self).__name__,
            "parameters": {name: as_json(name, value) for name, value in parameters.items()},
            "n_features_in_": self.n_features_in_,
            "n_iter_": self.n_iter_,
            "t_": self.t_,
            "loss_": getattr(self, "loss_", None),  # missing if the first epoch was interrupted
            "training": training,
            "targets": described,
            "encoding": encoding,
        }
        return Beside(description, tensors)

    def _described_targets(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Return the description of the targets for a file, and their tensors."""
        return {}, {}

    def _restore_targets(self, described: Any, tensors: dict[str, np.ndarray], network: Sequential) -> None:
        """Restore what `_described_targets` described, and remove its tensors. Raise ValueError if it does not fit the network."""
        raise NotImplementedError

    def _restore(self, description: dict[str, Any], tensors: dict[str, np.ndarray], network: Sequential) -> None:
        self._restore_targets(description["targets"], tensors, network)
        self._hold(network)
        self.is_categorical_ = None
        if description["encoding"] is None:
            self.n_features_in_ = check_size("n_features_in_", description["n_features_in_"], network.n_inputs, network.n_inputs)
        else:
            self.n_features_in_ = check_size("n_features_in_", description["n_features_in_"], 1)
            self._encoding = restored_encoding(description["encoding"], tensors, self.n_features_in_, network)
            if self._encoding.is_categorical.any():
                self.is_categorical_ = self._encoding.is_categorical
        self.n_iter_ = check_size("n_iter_", description["n_iter_"], 0)
        self.t_ = check_size("t_", description["t_"], 0)
        if description["loss_"] is not None:
            self.loss_ = check_float("loss_", description["loss_"])
        if NAMES in tensors:
            names = from_tensor(NAMES, tensors.pop(NAMES))
            if names.dtype.kind != "U" or len(names) != self.n_features_in_:
                raise ValueError(f"{NAMES}: expected {self.n_features_in_} strings, got {len(names)} of {names.dtype}")
            self.feature_names_in_ = names.astype(object)
        if description["training"] is not None:
            training = check_fields("training", description["training"], TRAINING)
            for name in TRAINING[:2]:
                setattr(self, name, None if training[name] is None else check_float(name, training[name]))
            if type(training["rising"]) is not bool:
                raise ValueError(f"rising: expected true or false, got {shown(training['rising'])}")
            self._patience = Patience(training["rising"])
            self._patience.best = check_float("best", training["best"])
            self._patience.count = check_size("count", training["count"], 0)
            for name in CURVES:
                setattr(self, name, as_curve(name, tensors.pop(name)) if name in tensors else None)
            if self.loss_curve_ is None:
                raise ValueError("tensor 'loss_curve_': expected F64 of shape (epochs,), got none")
        if tensors:
            raise ValueError(f"tensors: expected no others, got {', '.join(map(repr, tensors))}")


def restored(description: dict[str, Any], more: dict[str, Tensor], network: Sequential) -> Saving:
    """Return the estimator that was saved, with this network. Raise ValueError or TypeError if the description does not make one."""
    check_fields("estimator", description := LATER_FIELDS | description, FIELDS)
    kind = KINDS[check_choice("kind", description["kind"], KINDS)]
    stored = description["parameters"]
    if not isinstance(stored, dict):
        raise ValueError(f"parameters: expected a dict, got {shown(stored)}")
    if unknown := set(stored) - set(signature(kind).parameters):
        raise ValueError(f"parameters: expected those of {kind.__name__}, got {', '.join(map(shown, sorted(unknown)))}")
    estimator = kind(**{name: from_json(name, value) for name, value in stored.items()})
    estimator._validate_params()
    if network.dtype is None or not all(layer.bias for layer in network.dense_layers) or not isinstance(network.layers[-1], Dense):
        raise ValueError(f"layers: expected Dense layers with biases, the last without an activation, of a settled dtype, got {network!r}")
    estimator._restore(description, {name: tensor.array() for name, tensor in more.items()}, network)
    return estimator


def check_float(name: str, value: Any) -> float:
    """Return `value` if it is a float and not NaN. Infinity stands for what has not been measured yet."""
    if type(value) is not float or math.isnan(value):
        raise ValueError(f"{name}: expected a number, got {shown(value)}")
    return value


def as_curve(name: str, tensor: np.ndarray) -> list[float]:
    """Return losses or scores of epochs as a list. NaN is the score of predictions that overflowed."""
    if tensor.dtype != np.float64 or tensor.ndim != 1:
        raise ValueError(f"tensor {name!r}: expected F64 of shape (epochs,), got shape {tensor.shape} in {tensor.dtype}")
    curve: list[float] = tensor.tolist()
    return curve
