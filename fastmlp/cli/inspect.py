"""`fastmlp inspect`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from ..files.atomic import write_atomically
from .failures import refusals
from .help_text import examples
from .output_files import OutputFile, written


@click.command(
    context_settings={"show_default": True},
    epilog=examples("fastmlp inspect", "fastmlp inspect tile --asm", "fastmlp inspect product --cpu haswell --dtype float64"),
)
@click.argument("kernel", required=False)
@click.option("--dtype", type=click.Choice(["float32", "float64"]), default="float32", help="Precision.")
@click.option("--cpu", metavar="NAME", help="Compile for another CPU, by LLVM's name for it: haswell, skylake-avx512, generic ...")
@click.option("--loops", type=click.IntRange(1), default=8, help="Show so many, those with the most multiply-adds first.")
@click.option("--asm", is_flag=True, help="Print the loops themselves too.")
@click.option("--json", "json_file", type=OutputFile(".json"), metavar="FILE", help="Write all loops to a .json file.")
def inspect(kernel: str | None, dtype: str, cpu: str | None, loops: int, asm: bool, json_file: Path | None) -> None:
    """Show what LLVM made of a kernel: the innermost loops of its machine code.

    Without KERNEL, list the kernels. One is compiled for itself, and not run. Shown are the instructions of its innermost loops, by what
    they do and how wide they are, and the loops that LLVM did not vectorize, with its reasons.
    """
    from ..measure.inspection import CompilationFailed, inspect_kernel
    from .inspect_tables import print_assembly, print_inspection, print_kernels
    from .terminal import console, waiting

    output = console(highlight=False, markup=False)
    if kernel is None:
        if cpu or asm or json_file:
            raise click.UsageError("KERNEL: expected the name of one, got none; `fastmlp inspect` lists them")
        print_kernels(output)
        return
    try:
        with refusals(), waiting("compiling"):
            seen = inspect_kernel(kernel, dtype, cpu)
    except CompilationFailed as failure:
        raise click.ClickException(str(failure)) from failure
    print_inspection(output, seen, loops)
    if asm:
        print_assembly(output, seen.loops[:loops])
    if json_file:
        with written(json_file):
            write_atomically(json_file, json.dumps(seen.to_dict(), indent=2, allow_nan=False).encode() + b"\n")
