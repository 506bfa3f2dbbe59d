"""The progress bar: when it is shown, what it shows, and `fit` without a standard error."""

import io
import sys

import numpy as np
import pytest

from fastmlp import Dense, Sequential, Tanh
from fastmlp.model.progress import is_shown
from tests.children import python

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(24, 4)), RNG.normal(size=(24, 3))
ROWS = X[:, :3].argmax(axis=1)


def make(loss="squared_error"):
    return Sequential([Dense(4, 5), Tanh(), Dense(5, 3)], loss=loss)


def test_the_bar_is_shown_only_when_asked_for(capfd):
    make().fit(X, Y, epochs=3)
    make().fit(X, Y, epochs=3, progress=False)
    assert capfd.readouterr() == ("", "")
    make("softmax_cross_entropy").fit(X, ROWS, epochs=3, progress=True, validation_data=(X, ROWS))
    out, err = capfd.readouterr()
    assert out == ""
    for shown in ("3/3", "loss 1.", "accuracy 0.", " / 0.", " samples/s 0:00:00"):
        assert shown in err


class Bare:
    """A stream without the method that tells whether it is a terminal."""

    def write(self, text):
        pytest.fail(f"{text!r} was written")


class Closed(io.StringIO):
    def __init__(self):
        super().__init__()
        self.close()


@pytest.mark.parametrize(("stream", "progress"), [(None, None), (None, True), (Closed(), None), (Closed(), True), (Bare(), None)])
def test_fit_needs_no_standard_error(monkeypatch, stream, progress):
    monkeypatch.setattr(sys, "stderr", stream)
    assert make().fit(X, Y, epochs=2, progress=progress).epochs == 2


def test_a_bar_needs_a_terminal_or_a_wish(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    shown = {Terminal(): (True, True), io.StringIO(): (False, True), None: (False, False), Closed(): (False, False)}
    for stream, (by_default, wanted) in shown.items():
        monkeypatch.setattr(sys, "stderr", stream)
        assert (is_shown(None), is_shown(True), is_shown(False)) == (by_default, wanted, False)


def test_rich_is_imported_on_first_use():
    program = """
import sys
import numpy as np
from fastmlp import Dense, Sequential
Sequential([Dense(1, 1)]).fit(np.ones((2, 1)), np.ones(2), epochs=1)
print("rich" in sys.modules)
"""
    done = python(program)
    assert (done.returncode, done.stdout) == (0, "False\n"), done.stderr
