"""How commands fail: a line that says what is wrong and an exit status, never a traceback."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import click

INTERRUPTED = 130  # the exit status of a program that Ctrl-C ended: 128 + SIGINT
NOBODY_READS = 141  # and of one that wrote into a pipe whose other end is closed: 128 + SIGPIPE


class Commands(click.Group):
    """A group whose commands end with the exit status that shells expect: after Ctrl-C, and when their output cannot be written."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Parse the arguments; help and version are printed here."""
        with output_failures():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command named."""
        with output_failures():
            try:
                return super().invoke(ctx)
            except KeyboardInterrupt:
                click.echo("Interrupted", err=True)
                ctx.exit(INTERRUPTED)

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the program; errors of usage are printed here."""
        with output_failures():
            return super().main(*args, **kwargs)


@contextmanager
def output_failures() -> Iterator[None]:
    """Around what prints: a closed pipe ends the program without a word, a full disk with one."""
    try:
        yield
    except BrokenPipeError:
        discard_output()
        raise SystemExit(NOBODY_READS) from None
    except OSError as error:
        discard_output()
        what = error.filename or "the output cannot be written"
        with suppress(OSError):  # standard error may be in no better state
            click.echo(f"Error: {what}: {error.strerror or error}", err=True)
        raise SystemExit(1) from None


def discard_output() -> None:
    """Send to nowhere what is still buffered, or Python would try to write it once more at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):  # closed, or no file of the system
            try:
                stream.flush()
            except OSError:
                os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


@contextmanager
def refusals() -> Iterator[None]:
    """Around work of the library: what it refuses is an error of usage; a run that diverges fails."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        try:
            yield
        except (RuntimeWarning, FloatingPointError) as trouble:
            raise click.ClickException(str(trouble)) from trouble
        except (ValueError, TypeError, MemoryError) as error:
            raise click.UsageError(str(error)) from error
