"""All sections of `fastmlp bench`, and the choice of some of them."""

from __future__ import annotations

from collections.abc import Sequence

from ..engine.arguments import check_choice
from ..measure.bench.table import TABLE, Section
from . import bench_estimators

SECTIONS: tuple[Section | bench_estimators.Section, ...] = (*TABLE, *bench_estimators.SECTIONS)


def chosen(keys: Sequence[str]) -> list[Section | bench_estimators.Section]:
    """Return the sections with those keys, in the table's order; without keys, return all.

    Examples
    --------
    >>> [section.title for section in chosen(["start"])]
    ['Process start to first fitted model, 784-100-10']
    """
    known = [section.key for section in SECTIONS]
    for key in keys:
        check_choice("only", key, tuple(known))
    return [section for section in SECTIONS if not keys or section.key in keys]
