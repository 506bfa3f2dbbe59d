"""Let commands fail with a message of one line and an exit status instead of a traceback."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import click

INTERRUPTED = 130  # exit status after Ctrl-C: 128 + SIGINT
NOBODY_READS = 141  # exit status after writing to a closed pipe: 128 + SIGPIPE


class Commands(click.Group):
    """A group of commands that returns the conventional exit status after Ctrl-C and if output cannot be written."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Parse the arguments. Help and version are printed in this method."""
        with output_failures():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the chosen command."""
        with output_failures():
            try:
                return super().invoke(ctx)
            except KeyboardInterrupt:
                click.echo("Interrupted", err=True)
                ctx.exit(INTERRUPTED)

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the program. Usage errors are printed in this method."""
        with output_failures():
            return super().main(*args, **kwargs)


@contextmanager
def output_failures() -> Iterator[None]:
    """Handle failures of printing: a closed pipe ends the program silently, a full disk with an error message."""
    try:
        yield
    except BrokenPipeError:
        discard_output()
        raise SystemExit(NOBODY_READS) from None
    except OSError as error:
        discard_output()
        what = error.filename or "the output cannot be written"
        with suppress(OSError):  # writing to standard error may fail as well
            click.echo(f"Error: {what}: {error.strerror or error}", err=True)
        raise SystemExit(1) from None


def discard_output() -> None:
    """Redirect buffered output to the null device. Otherwise Python would try to write it again when it exits."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):  # the stream is closed, or has no file descriptor
            try:
                stream.flush()
            except OSError:
                os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


@contextmanager
def refusals() -> Iterator[None]:
    """Turn rejected arguments of the library into usage errors, and numerical failures such as a divergence into errors."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        try:
            yield
        except (RuntimeWarning, FloatingPointError) as trouble:
            raise click.ClickException(str(trouble)) from trouble
        except (ValueError, TypeError, MemoryError) as error:
            raise click.UsageError(str(error)) from error
