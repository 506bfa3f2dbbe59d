"""Every picture of fastmlp. Each function returns a figure; given `ax` it draws there instead, as one panel of a larger one.

No window is opened and no global state of matplotlib is touched, so that these run anywhere, in any thread.
"""

from .activations import activation_curves
from .comparison import comparison, gradient_sizes
from .confusion import confusion_matrix
from .decisions import decision_grid, decision_regions
from .explorer import explore_xor
from .history import loss_curves, score_curves, training_report
from .images import image_sheet, pixel_values
from .profile import profile_report, roofline, step_bar
from .schedules import schedule_curves
from .style import save
from .two_layer import error_curves, predictions, sigmoid_curves, three_gradients, xor_data, xor_training
from .weights import first_layer_weights

__all__ = [
    "activation_curves",
    "comparison",
    "confusion_matrix",
    "decision_grid",
    "decision_regions",
    "error_curves",
    "explore_xor",
    "first_layer_weights",
    "gradient_sizes",
    "image_sheet",
    "loss_curves",
    "pixel_values",
    "predictions",
    "profile_report",
    "roofline",
    "save",
    "schedule_curves",
    "score_curves",
    "sigmoid_curves",
    "step_bar",
    "three_gradients",
    "training_report",
    "xor_data",
    "xor_training",
]
