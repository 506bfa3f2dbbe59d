"""XOR with sliders in a notebook, and as a figure elsewhere."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from ..datasets import load_xor
from .live import Settings, result_of, timed_run
from .style import INK
from .two_layer import xor_training

if TYPE_CHECKING:
    from .sliders import XorExplorer


def explore_xor() -> XorExplorer | Figure:
    """Sliders for hidden units, learning rate, gradient and seed; every move trains XOR anew, for 10,000 epochs, and redraws the result.

    Returns
    -------
    XorExplorer or matplotlib.figure.Figure
        In a notebook with ipywidgets (the extra "notebook"): sliders, the decision regions and the error curve, and a line with the
        final error and the time of the training. Elsewhere: a figure of the training with the settings that the sliders start from.

    Notes
    -----
    A training with the fused gradient takes about a millisecond, so that most of what a move takes is drawing; the others take longer.
    The time shown does not include compilation. Where a notebook's page is static, the picture stands in for the sliders.

    Examples
    --------
    >>> figure = explore_xor()
    >>> figure.get_supxlabel()
    'Error 0.000802 after 10,000 epochs in ..., 4 of 4 samples right (3 hidden units, learning rate 0.12, fused, seed 56).'
    """
    if in_notebook() and find_spec("ipywidgets"):
        from .sliders import XorExplorer

        return XorExplorer()
    settings = Settings()
    run, seconds = timed_run(settings)
    figure = xor_training(*load_xor(), run)
    figure.supxlabel(result_of(settings, run, seconds), x=0.01, ha="left", fontsize=9, color=INK)
    return figure


def in_notebook() -> bool:
    """Whether this runs in a kernel of Jupyter."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return getattr(shell, "kernel", None) is not None
