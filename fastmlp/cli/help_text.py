"""What the help texts of the commands share."""

from __future__ import annotations


def examples(*lines: str) -> str:
    """The end of a help text, its lines kept as they are."""
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])
