"""The command `fastmlp inspect`."""

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
@click.option("--dtype", type=click.Choice(["float32", "float64"]), default="float32", help="Floating-point precision.")
@click.option("--cpu", metavar="NAME", help="Compile for another CPU, given by its LLVM name: haswell, skylake-avx512, generic ...")
@click.option("--loops", type=click.IntRange(1), default=8, help="Number of loops to show; those with the most multiply-adds come first.")
@click.option("--asm", is_flag=True, help="Also print the machine code of the loops.")
@click.option("--json", "json_file", type=OutputFile(".json"), metavar="FILE", help="Write all loops to a .json file.")
def inspect(kernel: str | None, dtype: str, cpu: str | None, loops: int, asm: bool, json_file: Path | None) -> None:
    """Show the innermost loops of a kernel's machine code.

    Without KERNEL, the command lists the kernels. With it, the kernel is compiled but not run. The command counts the instructions of its
    innermost loops by purpose and vector width, and lists the loops that LLVM did not vectorize, with LLVM's reasons.
    """
    from ..measure.inspection import CompilationFailed, inspect_kernel
    from .inspect_tables import print_assembly, print_inspection, print_kernels
    from .terminal import console, waiting

    output = console(highlight=False, markup=False)
    if kernel is None:
        if cpu or asm or json_file:
            raise click.UsageError("KERNEL: expected the name of a kernel, got none; `fastmlp inspect` lists the names")
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
