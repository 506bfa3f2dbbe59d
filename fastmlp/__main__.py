"""``python -m fastmlp``: the `fastmlp` command."""

from .cli import main

main(prog_name="fastmlp")
