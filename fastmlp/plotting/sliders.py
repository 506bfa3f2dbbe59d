"""Sliders that retrain XOR. This is the one module that needs ipywidgets."""

from __future__ import annotations

from base64 import b64encode
from html import escape
from typing import Any

from ipywidgets import HTML, Dropdown, FloatLogSlider, HBox, IntSlider, Layout, VBox

from ..two_layer import GRADIENTS
from .live import LivePicture, Settings, result_of, timed_run


class XorExplorer(VBox):
    """Sliders, and below them what the training comes to with their values: every move trains and draws at once.

    Attributes
    ----------
    hidden_size, learning_rate, seed : sliders
    gradient : drop-down list
    run : TrainingRun
        The latest that did not diverge.
    seconds : float
        What it took.
    png : bytes
        Its picture.
    message : str
        The result in a sentence, or that the latest training diverged.

    Examples
    --------
    >>> explorer = XorExplorer()
    >>> explorer.hidden_size.value = 5
    >>> explorer.run.w1.shape
    (2, 5)
    """

    def __init__(self) -> None:
        self._live = LivePicture()
        default = Settings()
        wide: dict[str, Any] = {"style": {"description_width": "7em"}, "layout": Layout(width="24em", max_width="100%")}
        self.hidden_size = IntSlider(default.hidden_size, 1, 16, description="hidden units", **wide)
        self.learning_rate = FloatLogSlider(
            default.learning_rate, min=-2, max=1, step=0.02, description="learning rate", readout_format=".3g", **wide
        )
        self.gradient = Dropdown(options=GRADIENTS, value=default.gradient, description="gradient", **wide)
        self.seed = IntSlider(default.seed, 0, 100, description="seed", **wide)
        self._controls = (self.hidden_size, self.learning_rate, self.gradient, self.seed)  # in the order of Settings
        self._picture, self._result = HTML(), HTML()
        for control in self._controls:
            control.observe(self._retrain, "value")
        rows = HBox(self._controls, layout=Layout(flex_flow="row wrap"))
        super().__init__([rows, self._picture, self._result])
        self._retrain()

    def _retrain(self, change: Any = None) -> None:
        """Train with the values as they are, and show it."""
        settings = Settings(*(control.value for control in self._controls))
        try:
            self.run, self.seconds = timed_run(settings)
        except FloatingPointError:
            self.message = f"The training diverged at learning rate {settings.learning_rate:.3g}; the picture is that of the run before it."
        else:
            self.png: bytes = self._live.png(self.run)
            self.message = result_of(settings, self.run, self.seconds)
            self._picture.value = self._image()
        self._result.value = f'<p role="status">{escape(self.message)}</p>'

    def _image(self) -> str:
        """The picture for HTML, with what it shows as its alternative text; decoded before it takes the place of the one before it."""
        alt = escape(f"Decision regions of XOR and the error over the epochs. {self.message}", quote=True)
        source = f"data:image/png;base64,{b64encode(self.png).decode()}"
        return f'<img src="{source}" alt="{alt}" width="720" height="312" decoding="sync" style="max-width: 100%; height: auto">'

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        """What a page shows: the sliders or, where it cannot, the picture of their values."""
        bundle: dict[str, Any] = super()._repr_mimebundle_(**kwargs)
        return bundle | {"image/png": b64encode(self.png).decode(), "text/plain": self.message}
