"""Every picture of fastmlp. Each function returns a figure; given `axes` it draws there instead, as one panel of a larger one.

No window is opened and no global state of matplotlib is touched, so that these run anywhere, in any thread.
"""

from .document import decision_grid, decision_regions, error_curves, predictions, sigmoid_curves, xor_data, xor_training
from .images import image_sheet, pixel_values
from .ladder import comparison
from .style import save
from .training import loss_curves, score_curves, training_report

__all__ = [
    "comparison",
    "decision_grid",
    "decision_regions",
    "error_curves",
    "image_sheet",
    "loss_curves",
    "pixel_values",
    "predictions",
    "save",
    "score_curves",
    "sigmoid_curves",
    "training_report",
    "xor_data",
    "xor_training",
]
