"""Format a time for tables and figures."""

from __future__ import annotations


def duration(seconds: float | None) -> str:
    """Format a time with three significant digits, in the unit that suits its size.

    Examples
    --------
    >>> [duration(s) for s in (4.2e-8, 1.234e-5, 0.0999, 7.5, 0, None)]
    ['42.0 ns', '12.3 µs', '99.9 ms', '7.50 s', '0 s', '-']
    """
    if seconds is None:
        return "-"
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9)):
        if float(f"{seconds:.3g}") >= size:
            return f"{float(f'{seconds / size:.3g}'):#.3g} {unit}".replace(". ", " ")
    return f"{seconds:.3g} s"
