"""Every picture of fastmlp. Each function returns a figure; given `ax` it draws there instead, as one panel of a larger one.

No window is opened and no global state of matplotlib is touched, so that these run anywhere, in any thread.
"""

from .comparison import comparison
from .decisions import decision_grid, decision_regions
from .history import loss_curves, score_curves, training_report
from .images import image_sheet, pixel_values
from .profile import profile_report, roofline, step_bar
from .style import save
from .two_layer import error_curves, predictions, sigmoid_curves, xor_data, xor_training

__all__ = [
    "comparison",
    "decision_grid",
    "decision_regions",
    "error_curves",
    "image_sheet",
    "loss_curves",
    "pixel_values",
    "predictions",
    "profile_report",
    "roofline",
    "save",
    "score_curves",
    "sigmoid_curves",
    "step_bar",
    "training_report",
    "xor_data",
    "xor_training",
]
