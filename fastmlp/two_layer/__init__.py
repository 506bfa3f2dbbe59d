"""The two-layer network of the source document, its three gradients, and the training loop."""

from .functions import backward, backward_faster, backward_pass, dense, forward_pass, initialize_weights, mse, sigmoid, sigmoid_
from .train import GRADIENTS, REDUCTIONS, TrainingRun, document_epochs, train

__all__ = [
    "GRADIENTS",
    "REDUCTIONS",
    "TrainingRun",
    "backward",
    "backward_faster",
    "backward_pass",
    "dense",
    "document_epochs",
    "forward_pass",
    "initialize_weights",
    "mse",
    "sigmoid",
    "sigmoid_",
    "train",
]
