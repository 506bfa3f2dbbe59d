"""Text shared by the help of all commands."""

from __future__ import annotations


def examples(*lines: str) -> str:
    """Return the examples at the end of a help text, marked so that click keeps their line breaks."""
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])
