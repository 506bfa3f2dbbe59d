"""What happened during a training, one value per epoch."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class History:
    """What happened, a value an epoch.

    Attributes
    ----------
    losses : list of float
        Mean training loss, from the batches as they were trained on.
    scores : list of float
        Training accuracy likewise, for the cross-entropies; else empty.
    validation_losses, validation_scores : list of float
        As `Sequential.evaluate` gives them after the epoch; empty without validation data.
    learning_rates : list of float
        That of the epoch's last step.
    seconds : list of float
        Of training alone.
    stopped : str
        Why it ended before its time: "early stopping", "callback", "interrupted", or "".
    """

    losses: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    validation_losses: list[float] = field(default_factory=list)
    validation_scores: list[float] = field(default_factory=list)
    learning_rates: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    stopped: str = ""
