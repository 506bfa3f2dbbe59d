"""What the two estimators share: from scikit-learn's parameters and data to the engine's network, run and epochs, and back."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from sklearn.base import _fit_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_array, check_random_state, check_X_y
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, column_or_1d, validate_data

from ..engine.arguments import shown
from ..engine.inputs import as_inputs, is_ready
from ..engine.losses import Loss
from ..model.bookkeeping import warn
from ..model.data import Data
from ..model.epochs import DivergenceError, Epochs
from ..model.schedules import as_schedule
from ..model.sequential import Sequential
from .architecture import check_kept, has_dropout, hidden_sizes, layers_of, per_layer
from .batches import Batches, Rate
from .documentation import page
from .encoding import FLOATS, Encoding, encoded
from .given import Given, Validation, about
from .onnx import Exporting
from .parameters import PER_STEP, STOCHASTIC
from .record import Record
from .repeats import Distinct, distinct
from .report import Report
from .solvers import minimize, rule_of, train
from .stopping import Patience
from .tasks import CallbackSupportMixin, Tasks

NOT_FINITE = "Solver produced non-finite parameter weights. The input data may contain large values and need to be preprocessed."
LARGEST_BATCH = 200  # of batch_size="auto"
CHECKED: dict[str, Any] = {"accept_sparse": ["csr", "csc"], "dtype": FLOATS}  # how scikit-learn is to check X
OUT_ACTIVATIONS: dict[Loss, str] = {
    "softmax_cross_entropy": "softmax",
    "binary_cross_entropy": "logistic",
    "poisson": "exp",
}


class BaseMLP(CallbackSupportMixin, Exporting):
    """Fitting and predicting; subclasses say what the targets are."""

    hidden_layer_sizes: Any
    activation: Any
    _of_targets: ClassVar[dict[str, Any]] = {}  # what `validate_data` is to check of the targets
    _encoding: Encoding | None = None  # of columns, where `categorical_features` asked for it in the first fit

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, X_val: Any = None, y_val: Any = None, sample_weight_val: Any = None
    ) -> Any:  # fmt: skip
        """Train the network.

        Parameters
        ----------
        X : array_like, data frame or sparse matrix of shape (n_samples, n_features)
            Inputs. float32 data are trained with in float32, all others in float64.
        y : array_like of shape (n_samples,) or (n_samples, n_outputs)
            Class labels, or numbers to regress on.
        sample_weight : array_like of shape (n_samples,), optional
            Weights of the samples; all 1 by default.
        X_val, y_val, sample_weight_val : array_like, optional
            Validation data, scored after every epoch. With `early_stopping` they take the place of the part of `X` that is held out.

        Returns
        -------
        self
            The fitted estimator.

        Raises
        ------
        ValueError, TypeError
            If the data or a parameter do not fit, or the training diverged.

        Warns
        -----
        sklearn.exceptions.ConvergenceWarning
            If `max_iter` epochs (or iterations of L-BFGS) were not enough; not with "cosine" and "one_cycle", which use all epochs.
        """
        return self._fit(Given(X, y, sample_weight), Given(X_val, y_val, sample_weight_val), incremental=False)

    _doc_link_module = "fastmlp"

    @property
    def _doc_link_template(self) -> str:
        """Where scikit-learn's HTML representation links to."""
        return page()

    def _is_stochastic(self) -> bool:
        """Whether `partial_fit` exists: AttributeError if not."""
        if self.solver not in STOCHASTIC:
            raise AttributeError(f"partial_fit is only available for stochastic optimizers. {self.solver} is not stochastic.")
        return True

    def _fit(self, given: Given, validation: Given, incremental: bool) -> Any:
        """What `fit` and, with `incremental`, `partial_fit` do."""
        epochs = 1 if incremental else self.max_iter
        report = Report(bool(self.verbose), epochs)
        try:
            with Tasks(self, given, epochs) as tasks:
                return self._fit_as_task(tasks, report, given, validation, incremental)
        finally:
            report.end()

    def _fit_as_task(self, tasks: Tasks, report: Report, given: Given, validation: Given, incremental: bool) -> Any:
        hidden = hidden_sizes(self.hidden_layer_sizes)
        if self.solver == "lbfgs" and has_dropout(layers_of(self, [1, *hidden, 1])):
            raise ValueError(f"dropout: expected 0 for solver='lbfgs', whose steps need the same gradient twice, got {self.dropout}")
        first = not hasattr(self, "coefs_") or not (self.warm_start or incremental)
        X, y = self._validated(given.X, given.y, reset=first)
        self._learn_targets(y, incremental)
        targets, loss = self._targets(y, X.dtype)
        sample_weight = self._weights(X, y, given.weights)
        self._random_state = check_random_state(self.random_state)
        if first:
            outputs = targets.shape[1] if targets.ndim == 2 else len(self.classes_)
            self._initialize([X.shape[1], *hidden, outputs], loss, X.dtype)
        else:
            check_kept(self._network, self, hidden, loss, "partial_fit" if incremental else "warm_start=True")
        self._adopt()
        data = self._data(X, targets, sample_weight)
        if self.solver == "lbfgs":
            if self._validation(validation) is not None:
                warnings.warn("X_val, y_val: solver='lbfgs' does not use them, since it has no epochs after which to score.", stacklevel=5)
            self.loss_, self.n_iter_ = minimize(self._network.run(), self._trained_on(data), self, self._shares, tasks, report)
        else:
            self._fit_stochastic(data, given, self._validation(validation), incremental, tasks, report)
        if not np.isfinite(self._network.parameters).all():
            raise ValueError(NOT_FINITE)
        return self

    def _data(self, X: Any, targets: np.ndarray, sample_weight: np.ndarray | None) -> Data:
        """Validated data in the form in which the engine takes them."""
        if targets.ndim == 2 and targets.shape[1] != self._network.n_outputs:
            outputs = self._network.n_outputs
            raise ValueError(f"y: expected as many targets per sample as the network has outputs, {outputs}, got {targets.shape[1]}")
        dtype = self._network.dtype
        weights = np.zeros(0, dtype) if sample_weight is None else np.ascontiguousarray(sample_weight, dtype)
        targets = targets if targets.ndim == 1 else np.ascontiguousarray(targets, dtype)
        return Data(as_inputs("X", X, X.shape[1], dtype, finite=False), targets, weights)

    def _weights(self, X: Any, y: np.ndarray, sample_weight: Any) -> np.ndarray | None:
        """The weights of the samples; None where all are 1."""
        if sample_weight is None:
            return None
        weights: np.ndarray = _check_sample_weight(sample_weight, X, dtype=X.dtype)
        if not weights.any():  # checked by scikit-learn itself from version 1.9 on
            raise ValueError("Sample weights must contain at least one non-zero number.")
        return weights

    def _validation(self, given: Given) -> Validation | None:
        """The user's own validation data, if there are any."""
        if given.X is None and given.y is None:
            if given.weights is not None:
                raise ValueError("sample_weight_val: expected None without X_val and y_val, got weights")
            return None
        if given.X is None or given.y is None:
            raise ValueError(f"X_val, y_val: expected both or neither, got {'y_val' if given.X is None else 'X_val'} alone")
        with about("X_val, y_val"):
            X, y = self._validated(given.X, given.y, reset=False)
            targets = self._targets(y, X.dtype)[0]
            data = self._data(X, targets, None)
        with about("sample_weight_val"):
            weights = self._weights(X, y, given.weights)
        return Validation(self._data(X, targets, weights) if weights is not None else data, given._replace(weights=weights))

    def _trained_on(self, data: Data) -> Data:
        """The data with the targets that are trained on."""
        return data

    @property
    def _shares(self) -> int:
        """By what scikit-learn divides the loss of the data: its squared error is a mean over the outputs, its gradient is not."""
        return self.n_outputs_ if self._network.loss == "squared_error" else 1

    def _initialize(self, sizes: Sequence[int], loss: Loss, dtype: np.dtype) -> None:
        """A new network, whose weights and biases are drawn as scikit-learn draws them."""
        layers = layers_of(self, sizes)
        seed = self._random_state.randint(2**31) if has_dropout(layers) else 0  # otherwise nothing is drawn that scikit-learn does not draw
        try:
            self._hold(Sequential(layers, loss=loss, seed=int(seed), dtype=dtype))
        except MemoryError as error:
            raise MemoryError(f"hidden_layer_sizes: expected a network that fits into memory, got {sizes[1:-1]}: {error}") from error
        hidden = per_layer("activation", self.activation, len(sizes) - 2)
        names = [*hidden, hidden[0] if hidden else self.activation]
        for name, layer in zip(names, self._network.dense_layers, strict=True):
            bound = np.sqrt((2 if name == "logistic" else 6) / (layer.n_inputs + layer.n_outputs))
            layer.W = self._random_state.uniform(-bound, bound, (layer.n_inputs, layer.n_outputs))
            layer.b = self._random_state.uniform(-bound, bound, layer.n_outputs)
        self.n_iter_ = self.t_ = 0
        if self.solver in STOCHASTIC:
            self._begin_curves()

    def _begin_curves(self) -> None:
        """What is told of a training by mini-batches, before its first epoch."""
        self.loss_curve_: list[float] = []
        self._patience = Patience(rising=self.early_stopping)
        self.best_loss_ = None if self.early_stopping else np.inf
        self.validation_scores_: Any = None
        self.validation_loss_curve_: Any = None
        self.best_validation_score_: Any = None

    def _hold(self, network: Sequential) -> None:
        """Make a network the estimator's own."""
        self._network, dense = network, network.dense_layers
        self.coefs_, self.intercepts_ = [layer.W for layer in dense], [layer.b for layer in dense]
        self.n_layers_, self.n_outputs_ = len(dense) + 1, network.n_outputs
        self.out_activation_ = OUT_ACTIVATIONS.get(network.loss, "identity")

    def _adopt(self) -> None:
        """Copy coefficients that were replaced, whole or in the lists, to where the network computes with them.

        As in scikit-learn, the lists are the user's to change; after pickling too, their arrays are no longer the network's own.
        """
        layers = self._network.dense_layers
        for name, values, own in (("coefs_", self.coefs_, "W"), ("intercepts_", self.intercepts_, "b")):
            if not isinstance(values, list) or len(values) != len(layers):
                raise ValueError(f"{name}: expected a list of {len(layers)} arrays, got {shown(values)}")
            for place, layer in enumerate(layers):
                if values[place] is not getattr(layer, own):
                    with about(f"{name}[{place}]"):
                        setattr(layer, own, values[place])
                    values[place] = getattr(layer, own)

    def _fit_stochastic(
        self, data: Data, given: Given, validation: Validation | None, incremental: bool, tasks: Tasks, report: Report
    ) -> None:  # fmt: skip
        run = self._network.run()
        if not hasattr(self, "_patience"):  # a warm start after "lbfgs"
            self._begin_curves()
        if not (incremental and hasattr(self, "_rate")):
            run.forget()
            power_t = self.power_t if self.solver == "sgd" and self.learning_rate == "invscaling" else None
            self._rate = Rate(self.learning_rate_init, power_t, self.t_)
        run.use(rule_of(self))
        weighted = given._replace(weights=data.weights if data.weights.size else None)
        merged = self._distinct(data, given)
        data = merged.data if merged is not None else data
        samples = np.arange(data.inputs.n_samples)
        if self.early_stopping and validation is None and not incremental:
            samples, validation = self._split(data, weighted, merged)
            tasks.given = given._replace(rows=samples if merged is None else merged.originals(samples))
        by_step = self.learning_rate in PER_STEP
        plan = Batches(
            epochs=1 if incremental else self.max_iter,
            batch_size=self._batch_size(len(samples)) if merged is None else len(samples),
            learning_rate=self.learning_rate_init,
            schedule=as_schedule(self.learning_rate if by_step else None),
            samples=samples,
            n_threads=self.n_threads,
            rate=self._rate,
            random_state=self._random_state if self.shuffle else None,
            order=np.arange(len(samples)),
            by_step=by_step,
        )
        by_score = self.early_stopping and validation is not None
        if self._patience.rising != by_score:
            self._patience = Patience(by_score)
        self._patience.tol, self._patience.epochs = self.tol, self.n_iter_no_change
        record = Record(self, validation, by_score, tasks, report)
        adaptive = self.solver == "sgd" and self.learning_rate == "adaptive"
        one_by_one = validation is not None or bool(self.verbose) or tasks.are_watched
        self.n_iter_ = 0
        try:
            epochs = Epochs(run, self._trained_on(data), plan)
            stopped = train(epochs, plan, self._patience, record, self._shares, adaptive, one_by_one)
        except KeyboardInterrupt:
            warn("Training interrupted by user.", UserWarning)
            stopped = True
        except DivergenceError as error:
            if record.best is None:
                raise ValueError(f"{NOT_FINITE} T{error.says()[1:]}") from error
            record.diverged()
            warn(f"T{error.says('those of the best validation score')[1:]}", UserWarning)
            stopped = True
        finally:
            self.t_ = self._rate.seen
            if not incremental:
                record.end()
        if not stopped and not incremental and not by_step:  # a schedule by step is meant to run for `max_iter` epochs
            warn(
                f"Stochastic Optimizer: Maximum iterations ({self.max_iter}) reached and the optimization hasn't converged yet.",
                ConvergenceWarning,
            )

    def _distinct(self, data: Data, given: Given) -> Distinct | None:
        """The samples without repetitions and without those of weight 0, if all are one batch and something is drawn for each."""
        n_samples = data.inputs.n_samples
        largest = LARGEST_BATCH if self.batch_size == "auto" else int(self.batch_size)
        if n_samples > largest or not (self.early_stopping or np.any(self.dropout)):
            return None
        return distinct(data, np.broadcast_to(1.0 if given.weights is None else np.asarray(given.weights, np.float64), n_samples))

    def _split(self, data: Data, given: Given, merged: Distinct | None) -> tuple[np.ndarray, Validation]:
        """The samples to train on, and data to validate with: scikit-learn's own split, but at least 2 samples if that leaves 2."""
        n_samples = data.inputs.n_samples
        size = 2 if n_samples >= 4 and 0 < self.validation_fraction * n_samples <= 1 else self.validation_fraction
        stratify = data.targets > 0 if self._network.loss == "binary_cross_entropy" and self.n_outputs_ == 1 else None
        if merged is not None and stratify is not None and np.unique(stratify, return_counts=True)[1].min() < 2:
            stratify = None  # a class that had repetitions only
        samples, held_out = train_test_split(np.arange(n_samples), random_state=self._random_state, test_size=size, stratify=stratify)
        if len(held_out) < 2:
            raise ValueError("The validation set is too small. Increase 'validation_fraction' or the size of your dataset.")
        rows = held_out if merged is None else merged.originals(held_out)
        return samples, Validation(data.take(held_out), given._replace(rows=rows))

    def _batch_size(self, n_samples: int) -> int:
        if self.batch_size == "auto":
            return min(LARGEST_BATCH, n_samples)
        size = int(self.batch_size)
        if size > n_samples:
            warn("Got `batch_size` less than 1 or larger than sample size. It is going to be clipped", UserWarning)
        return min(size, n_samples)

    def _outputs(self, X: Any) -> np.ndarray:
        """The outputs of the last layer (n_samples, n_outputs), before its activation."""
        check_is_fitted(self)
        self._adopt()
        network = self._network
        if self._encoding is not None:
            X = check_array(encoded(self, X, reset=False), **CHECKED, input_name="X", estimator=self)
        elif hasattr(self, "feature_names_in_") or not is_ready(X, network.n_inputs, network.dtype):
            X = validate_data(self, X, **CHECKED, reset=False)
        inputs = as_inputs("X", X, network.n_inputs, network.dtype, finite=False)
        return network.outputs_of(inputs, self.n_threads)

    def _validated(self, X: Any, y: Any, reset: bool) -> tuple[Any, np.ndarray]:
        """X and y as scikit-learn validates them, X as the network's inputs."""
        if reset:
            self._encoding = self.is_categorical_ = None
        if self._encoding is None and not (reset and self.categorical_features is not None):
            X, y = validate_data(self, X, y, **CHECKED, multi_output=True, reset=reset, **self._of_targets)
        else:
            X, y = check_X_y(encoded(self, X, reset), y, **CHECKED, multi_output=True, estimator=self, **self._of_targets)
        return X, column_or_1d(y, warn=True) if y.ndim == 2 and y.shape[1] == 1 else y

    def _learn_targets(self, y: np.ndarray, incremental: bool) -> None:
        """Learn what there is to know of the targets before a network is made for them."""

    def _targets(self, y: np.ndarray, dtype: np.dtype) -> tuple[np.ndarray, Loss]:
        """The targets as the engine takes them, and its loss."""
        raise NotImplementedError

    def _validation_score(self, outputs: np.ndarray, held_out: Data) -> float:
        """Accuracy or R^2 of outputs before their activation."""
        raise NotImplementedError

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = self.categorical_features is None or isinstance(self.categorical_features, str)
        tags.input_tags.allow_nan = self.categorical_features is not None
        return tags


def offers_partial_fit(function: Any) -> Any:
    """Have `partial_fit` exist for stochastic solvers only, and check parameters before it."""
    return available_if(lambda estimator: estimator._is_stochastic())(_fit_context(prefer_skip_nested_validation=True)(function))
