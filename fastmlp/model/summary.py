"""Format the layers of a model as a table."""

from __future__ import annotations

from collections.abc import Sequence

from .layers import Dense, Layer


class Summary(str):
    """A string that Python's prompt and notebooks display without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def table(layers: Sequence[Layer], columns: tuple[str, ...]) -> list[str]:
    r"""Return a heading and one line per layer, with the first ``len(columns)`` of: repr, outputs, parameters, multiply-adds per sample.

    Examples
    --------
    >>> from fastmlp import ReLU
    >>> print(*table([Dense(4, 1000), ReLU()], ("layer", "output", "parameters")), sep="\n")
    layer           output   parameters
    Dense(4, 1000)   1,000        5,000
    ReLU()           1,000            0
    """
    rows = [columns]
    width = next((layer.n_inputs for layer in layers if isinstance(layer, Dense)), 0)
    for layer in layers:
        sizes = (layer.n_outputs, layer.n_parameters, layer.n_inputs * layer.n_outputs) if isinstance(layer, Dense) else (width, 0, 0)
        width = sizes[0]
        rows.append((repr(layer), *(f"{size:,}" for size in sizes))[: len(columns)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [f"{row[0]:<{widths[0]}}  " + "   ".join(f"{cell:>{n}}" for cell, n in zip(row[1:], widths[1:], strict=True)) for row in rows]
