"""Record the course of a training run, with one value per epoch."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class History:
    """The course of a training run: lists with one value per epoch.

    Attributes
    ----------
    losses : list of float
        Mean training loss. The loss of each mini-batch is taken before its update.
    scores : list of float
        Training accuracy, computed and weighted in the same way as the losses. Empty unless the loss is a cross-entropy.
    validation_losses, validation_scores : list of float
        Loss and score of the validation data after the epoch, as `Sequential.evaluate` computes them. Empty without validation data.
    learning_rates : list of float
        Learning rate of the last step of the epoch.
    seconds : list of float
        Time of the training itself, without validation and callbacks.
    stopped : str
        What ended the training before its last epoch: "early stopping", "callback", "converged" (`Sequential.minimize`), "interrupted"
        (Ctrl-C) or "error". Empty if nothing did.
    recorded : tuple of str
        Names of the lists that receive a value in every epoch. `EarlyStopping` can monitor those that are losses or scores.

    Examples
    --------
    >>> from fastmlp import Dense, Sequential
    >>> history = Sequential([Dense(1, 1)]).fit([[0.0], [1.0]], [1.0, 3.0], epochs=3)
    >>> len(history.losses), history.learning_rates, history.scores
    (3, [0.05, 0.05, 0.05], [])
    """

    losses: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    validation_losses: list[float] = field(default_factory=list)
    validation_scores: list[float] = field(default_factory=list)
    learning_rates: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    stopped: str = ""
    recorded: tuple[str, ...] = ()

    @property
    def epochs(self) -> int:
        """Number of epochs so far."""
        return len(self.losses)
