"""Packages that fastmlp works without, until something needs one."""

from __future__ import annotations

import importlib
from typing import Any


def optional(module: str, extra: str, purpose: str) -> Any:
    """The module, imported; ImportError that says what needs it, and which extra of fastmlp brings it."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0]
        raise ImportError(f'{purpose} needs {package}, which is not installed: python -m pip install "fastmlp[{extra}]"') from error
