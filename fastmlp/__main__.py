"""``python -m fastmlp``: the `fastmlp` command."""

from .cli.commands import main

main(prog_name="fastmlp")
