"""What the docstrings of both estimators have in common, written once."""

from __future__ import annotations

from importlib import metadata
from inspect import cleandoc
from typing import TypeVar

Kind = TypeVar("Kind", bound=type)

PARAMETERS = """\
hidden_layer_sizes : int or array_like of int, default (100,)
    Units of each hidden layer.
activation : str or list of str, default "relu"
    Activation function of the hidden layers: "identity", "logistic", "tanh" or "relu", and beyond scikit-learn "leaky_relu", "elu",
    "selu", "gelu", "silu", "softplus" or "mish". A list has one name for each hidden layer.
solver : {"adam", "sgd", "lbfgs", "adamw"}, default "adam"
    "adam" and "sgd" (with momentum) train on mini-batches, as does "adamw", which decays weights apart from the gradient; "lbfgs" is
    SciPy's L-BFGS-B over the gradient of all samples, which suits small data sets.
alpha : float, default 0.0001
    Strength of the l2 penalty on the weights: alpha times half the sum of their squares, divided by the weight of the samples of a batch.
batch_size : int or "auto", default "auto"
    Samples per mini-batch; "auto" is 200, or all samples if there are fewer. "lbfgs" uses no mini-batches.
learning_rate : {"constant", "invscaling", "adaptive", "cosine", "one_cycle"}, default "constant"
    Schedule of the learning rate. "invscaling" and "adaptive" change it between epochs and apply to "sgd" alone: the former divides it by
    the number of samples seen to the power `power_t`, the latter by 5 whenever `n_iter_no_change` epochs brought no improvement. "cosine"
    and "one_cycle" change it from step to step, over `max_iter` epochs, for every mini-batch solver.
learning_rate_init : float, default 0.001
    Initial learning rate of the mini-batch solvers; the highest one of "one_cycle".
power_t : float, default 0.5
    Exponent of "invscaling".
max_iter : int, default 200
    Most epochs of the mini-batch solvers, or iterations of "lbfgs".
shuffle : bool, default True
    Whether each epoch has a new order of the samples.
random_state : int, RandomState instance or None, default None
    Determines the initial weights, the split for early stopping, the order of the samples, and what dropout drops. With the same value,
    results agree with scikit-learn's to rounding.
tol : float, default 1e-4
    An epoch counts as an improvement if the loss falls, or the validation score rises, by at least this much. For "lbfgs" the gradient's
    largest component at which it stops.
verbose : bool or int, default False
    Whether to show the loss of every epoch, and the score on validation data: beside a progress bar on standard error where that is a
    terminal, or in a notebook; elsewhere as printed lines.
warm_start : bool, default False
    Whether `fit` goes on with the weights of the last call.
momentum : float, default 0.9
    Momentum of "sgd", between 0 and 1.
nesterovs_momentum : bool, default True
    Whether "sgd" uses Nesterov's momentum.
early_stopping : bool, default False
    Whether training stops when the score on validation data no longer improves, and returns to the weights of the best score. Unless
    `fit` is given such data, a part of the training data is held out, in equal shares of both classes where there are two.
validation_fraction : float, default 0.1
    The share that is held out; at least 2 samples, if there are 4 or more.
beta_1 : float, default 0.9
    Decay rate of the running mean of the gradient, for "adam" and "adamw", in [0, 1).
beta_2 : float, default 0.999
    Decay rate of the running mean of its square.
epsilon : float, default 1e-8
    Number that keeps the divisions of "adam" and "adamw" stable.
n_iter_no_change : int, default 10
    Training stops after more than this many epochs without an improvement.
max_fun : int, default 15000
    Most evaluations of the gradient by "lbfgs".
dropout : float or list of float, default 0
    Probability with which a hidden unit's output is dropped in training; a list has one for each hidden layer. Not in scikit-learn.
weight_decay : float, default 0.01
    Decoupled weight decay of "adamw". Not in scikit-learn.
clip_norm : float, default 0
    Longest gradient of the mini-batch solvers, penalty included; 0 for no limit. Not in scikit-learn.
scoring : str or callable, optional
    What the validation data are scored by, and early stopping with it: a scorer of scikit-learn by its name, or a function of estimator, X
    and y that returns a number, the higher the better (and takes `sample_weight` if there are weights); "loss" is the negative validation
    loss. By default accuracy, or the negative validation loss if there is a `class_weight`; for a regressor, what `score` gives. Not in
    scikit-learn.
categorical_features : "from_dtype" or array_like of bool, int or str, optional
    With anything but None, data frames are fitted as they come. "from_dtype" takes those columns of a data frame of pandas or polars for
    categories that have a categorical dtype or contain strings or Booleans; other data have no categories then. An array gives the
    columns of categories as a mask, as indices or by name. A column of categories becomes one input per category, 0 or 1; a category that
    is missing or was not seen in `fit` has 0 in all of them. A missing value among numbers (NaN, None, pandas' NA, null) is replaced by
    the mean of the column, and a column with missing values in `fit` has a second input that tells where they are. Numbers are not scaled.
    A column has at most 10,000 categories, either all strings or all numbers. Sparse data can have neither categories nor missing values.
    What was learned of the columns stays the same in later calls of `partial_fit`, and of `fit` with `warm_start`. Not in scikit-learn's
    estimator; the same parameter as in `sklearn.ensemble.HistGradientBoostingClassifier`.
n_threads : int, optional
    Threads of training and prediction; by default as many as help. Results are the same for every number. Not in scikit-learn.
"""

ATTRIBUTES = """\
coefs_ : list of ndarray of shape (n_inputs, n_outputs)
    Weights of each layer. Assigning to them, whole or in part, changes what the estimator predicts. With `categorical_features`, the rows
    of the first are for the numbers in the order of their columns, for the indicators of missing ones, and for the categories of each
    column in ascending order.
intercepts_ : list of ndarray of shape (n_outputs,)
    Biases of each layer, which can be assigned to as well.
loss_ : float
    Loss of the last epoch, penalty included.
loss_curve_ : list of float
    Loss of each epoch; not for "lbfgs".
best_loss_ : float or None
    The lowest of them; None with `early_stopping`.
validation_scores_ : list of float, or None
    Score on the validation data after each epoch (see `scoring`); None without such data.
validation_loss_curve_ : list of float, or None
    Loss on them after each epoch. Not in scikit-learn.
best_validation_score_ : float or None
    The highest of those scores.
n_iter_ : int
    Epochs, or iterations of "lbfgs", of the last call.
t_ : int
    Samples that the mini-batch solvers have trained on, each counted as often as it was used.
n_features_in_ : int
    Features seen in `fit`: columns as they were given.
feature_names_in_ : ndarray of shape (n_features,)
    Their names, if the data were a data frame whose columns all have string names.
is_categorical_ : ndarray of bool of shape (n_features,), or None
    Which features are categories; None if there are none.
n_layers_ : int
    Layers, the inputs included.
n_outputs_ : int
    Outputs.
"""

REFERENCES = """\
Notes
-----
A sample of weight 3 is the same as three equal samples, and one of weight 0 the same as none, if all samples form one batch. With
`early_stopping` or `dropout`, what is drawn for each sample would make a difference. Therefore, within one batch, samples of weight 0 are
then left out, and equal samples are merged into one with the sum of their weights, if these sums are whole numbers, 2 or more on average.

`save` writes a fitted estimator to a file that `fastmlp.load` reads, and that is safe to load even if its origin is unknown. `export_onnx`
writes a file for other runtimes. Estimators can also be pickled, with the optimizer's state and without training data. But loading a pickle
can run any code that its author put there, so a pickle of unknown origin must not be loaded.

References
----------
The parameters and their meaning are those of scikit-learn's `sklearn.neural_network`, version 1.9. Initial weights: Glorot and Bengio
2010. Adam: Kingma and Ba 2015. AdamW: Loshchilov and Hutter 2019.
"""


def page() -> str:
    """The address of the page that documents the estimators, if the installed package names a site; else nothing."""
    try:
        addresses = metadata.metadata("fastmlp").get_all("Project-URL") or []
    except metadata.PackageNotFoundError:  # imported from a folder, without an installation
        return ""
    sites = [address.partition(",")[2].strip() for address in addresses if address.startswith("Documentation,")]
    return f"{sites[0].rstrip('/')}/reference/estimators.html" if sites else ""


def documented(kind: Kind) -> Kind:
    """Put the common parts into the docstring of a class, where it names them in parentheses."""
    text = cleandoc(kind.__doc__ or "")
    for name, part in (("parameters", PARAMETERS), ("attributes", ATTRIBUTES), ("references", REFERENCES)):
        text = text.replace(f"({name})\n", part)
    kind.__doc__ = text
    return kind
