"""Run the examples with both libraries and write pictures and tables: ``python -m docs.scikit_learn_examples --help``."""

import argparse
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import sklearn

from docs.scikit_learn_examples.comparing import compare, warnings_of
from docs.scikit_learn_examples.picture import side_by_side
from docs.scikit_learn_examples.running import run
from docs.scikit_learn_examples.source import OURS, THEIRS, changed, difference, download, using_estimators
from docs.scikit_learn_examples.tables import Row, tables

SHOWN = {"plot_partial_dependence": 2, "plot_partial_dependence_visualization_api": 4}  # the figure with the network; otherwise the first
PICTURES = Path(__file__).parents[1] / "how-to" / "scikit-learn-examples"
DESCRIPTION = "Run scikit-learn's own examples of multilayer perceptrons with its estimators and with fastmlp's, and compare them."
LARGEST = 150_000  # bytes of a picture that is shown in the documentation


@contextmanager
def examples_of(source: Path | None) -> Iterator[Path]:
    """Find the folder of examples in a source tree, or download it into a temporary folder."""
    if source is not None:
        yield source / "examples"
        return
    with TemporaryDirectory() as folder:
        print(f"downloading the source of scikit-learn {sklearn.__version__}")
        yield download(sklearn.__version__, Path(folder))


def measured(example: Path, repeats: int) -> Row:
    """Run an example with both libraries in turn; the first run of each, which may compile, is compared but not timed."""
    source = example.read_text(encoding="utf-8")
    ours = changed(source)
    print(difference(source, ours, example.name), end="", flush=True)
    with TemporaryDirectory() as folder:
        copy = Path(folder) / example.name
        copy.write_text(ours, encoding="utf-8")
        runs = [(run(example, THEIRS), run(copy, OURS)) for _ in range(repeats + 1)]
    agreement = compare(*runs[0])
    warned = [warnings_of(each.warned) for each in runs[0]]
    if warned[0] != warned[1]:
        print(f"the warnings differ: {warned[0]} with scikit-learn, {warned[1]} with fastmlp", file=sys.stderr)
    theirs, own = zip(*runs[1:], strict=True)
    return Row(example.stem, agreement, list(theirs), list(own))


def draw(row: Row, folder: Path) -> None:
    """Write the picture of an example."""
    sides = {"scikit-learn": row.theirs, "fastmlp": row.ours}
    titles = [f"{name}: fit {median(each.fit_seconds for each in runs):.2f} s" for name, runs in sides.items()]
    shown = SHOWN.get(row.name, 1) - 1
    path = folder / f"{row.name}.png"
    side_by_side([runs[0].figures[shown] for runs in sides.values()], titles).save(path, optimize=True)
    print("; ".join(titles), end="\n\n", flush=True)
    if path.stat().st_size > LARGEST:
        print(f"{path.name} has {path.stat().st_size:,} bytes, more than {LARGEST:,}", file=sys.stderr)


def main() -> None:
    """Read the command line and do what it asks for."""
    parser = argparse.ArgumentParser(prog="python -m docs.scikit_learn_examples", description=DESCRIPTION)
    parser.add_argument("--source", type=Path, help="unpacked source of scikit-learn; without it, the source is downloaded from PyPI")
    parser.add_argument("--output", type=Path, default=PICTURES, help="folder for pictures and tables (default: %(default)s)")
    parser.add_argument("--repeats", type=int, default=3, help="timed runs with each library, of which medians are taken (default: 3)")
    parser.add_argument("--only", metavar="NAME", default="", help="only the examples with this in their names; then no tables are written")
    options = parser.parse_args()
    if options.repeats < 1:
        parser.error(f"--repeats: expected at least 1, got {options.repeats}")
    rows = []
    try:
        options.output.mkdir(parents=True, exist_ok=True)
        with examples_of(options.source) as folder:
            examples = [example for example in using_estimators(folder) if options.only in example.stem]
            if not examples:
                raise ValueError(f"--only: no example has {options.only!r} in its name")
            for example in examples:
                try:
                    rows.append(measured(example, options.repeats))
                except ValueError as error:
                    raise ValueError(f"{example.name}: {error}") from error
                draw(rows[-1], options.output)
        text = tables(rows, options.repeats)
        print(text)
        if not options.only:
            (options.output / "tables.txt").write_text(text, encoding="utf-8")
    except (OSError, RuntimeError, ValueError, subprocess.TimeoutExpired) as error:
        sys.exit(f"{parser.prog}: {error}")


if __name__ == "__main__":
    main()
