"""Import optional packages when a function needs them."""

from __future__ import annotations

import importlib
from typing import Any


def optional(module: str, extra: str, purpose: str) -> Any:
    """Import and return a module.

    If it is missing, raise an ImportError that says what needs it and which extra of fastmlp installs it.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0]
        raise ImportError(f'{purpose} needs {package}, which is not installed: python -m pip install "fastmlp[{extra}]"') from error
