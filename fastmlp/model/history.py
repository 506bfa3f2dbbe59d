"""What happened during a training, one value per epoch."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class History:
    """What happened during a training: lists with one value per epoch.

    Attributes
    ----------
    losses : list of float
        Mean training loss, from the batches as they were trained on.
    scores : list of float
        Training accuracy likewise, weighted as the losses are, for the cross-entropies; else empty.
    validation_losses, validation_scores : list of float
        As `Sequential.evaluate` gives them after the epoch; empty without validation data.
    learning_rates : list of float
        That of the epoch's last step.
    seconds : list of float
        Of training alone.
    stopped : str
        What ended the training before its last epoch: "early stopping", "callback", "interrupted" (Ctrl-C), "error", or "" for nothing.
    recorded : tuple of str
        Which of the lists get a value in every epoch: `EarlyStopping` can monitor these.

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
        """Epochs so far."""
        return len(self.losses)
