"""The conditions on which the figures of a run depend: the machine, the versions of the peers, and settings of the environment."""

from __future__ import annotations

import importlib.util
import os
from importlib import metadata

from .. import instruction_sets
from ..machine import describe
from .results import Bench, Effort

PACKAGES = {"sklearn": "scikit-learn", "torch": "torch", "jax": "jax", "onnxruntime": "onnxruntime"}
SETTINGS = (*instruction_sets.SETTINGS, "OPENBLAS_L2_SIZE", "MKL_DEBUG_CPU_TYPE", "NPY_DISABLE_CPU_FEATURES", "NUMBA_OPT")


def begin(effort: Effort) -> Bench:
    """Return a run without outcomes, with the conditions of this process.

    Examples
    --------
    >>> begin(Effort(seeds=5, quick=False)).conditions["seeds"]
    5
    """
    installed = [name for name in PACKAGES if importlib.util.find_spec(name)]
    environment = describe()
    environment["versions"] |= {PACKAGES[name]: metadata.version(PACKAGES[name]) for name in installed}
    environment["settings"] = {name: os.environ[name] for name in SETTINGS if name in os.environ}
    absent = [PACKAGES[name] for name in PACKAGES if name not in installed]
    return Bench(environment, {"seeds": effort.seeds, "quick": effort.quick, "absent": absent}, [], 0.0)
