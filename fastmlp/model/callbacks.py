"""What may happen between epochs."""

from __future__ import annotations

from dataclasses import dataclass

from ..engine.arguments import check_real, check_size
from .history import History


@dataclass
class EarlyStopping:
    """End the training when it gets no better, and go back to the best weights.

    Parameters
    ----------
    monitor : {"validation_loss", "validation_score", "loss"}
    patience : int, default 10
        Epochs without improvement before the end.
    min_delta : float, default 1e-4
        What counts as improvement.
    restore_best : bool, default True
        Return to the weights of the best epoch. (Those of "loss" are taken after the epoch in which it was measured.)

    Raises
    ------
    ValueError, TypeError
        If an argument is out of its range.
    """

    monitor: str = "validation_loss"
    patience: int = 10
    min_delta: float = 1e-4
    restore_best: bool = True

    def __post_init__(self) -> None:
        if self.monitor not in ("validation_loss", "validation_score", "loss"):
            raise ValueError(f"monitor: expected 'validation_loss', 'validation_score' or 'loss', got {self.monitor!r}")
        check_size("patience", self.patience, 1)
        check_real("min_delta", self.min_delta)

    def value(self, history: History) -> float:
        """The last epoch's value; lower is better."""
        if self.monitor == "loss":
            return history.losses[-1]
        return history.validation_losses[-1] if self.monitor == "validation_loss" else -history.validation_scores[-1]
