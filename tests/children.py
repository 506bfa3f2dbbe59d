"""Start the processes that tests need: Python programs, the installed command, and programs that are interrupted."""

import shutil
import subprocess
import sys
import sysconfig
from typing import Any

from tests.sources import ROOT

INSTALLED = shutil.which("fastmlp", path=sysconfig.get_path("scripts"))
COMMAND = (INSTALLED,) if INSTALLED else (sys.executable, "-m", "fastmlp")
PATIENCE = 600  # seconds after which a child counts as hanging; far above any normal time, even on a busy machine

# This goes before a program that is to be interrupted. A process that was started with SIGINT ignored, as shells do for background jobs,
# passes that on to its children, in which Python then installs no handler.
CTRL_C = """
import os as _os, signal as _signal, threading as _threading, _thread as _interpreter
_signal.signal(_signal.SIGINT, _signal.default_int_handler)

def ctrl_c(after=0.0):
    "Interrupt this process as Ctrl-C does, after that many seconds, from another thread."
    def send():
        _interpreter.interrupt_main() if _os.name == "nt" else _os.kill(_os.getpid(), _signal.SIGINT)
    timer = _threading.Timer(after, send)
    timer.daemon = True
    timer.start()
"""


def run(*command: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, in the root of the project unless `cwd` is given; its output is text."""
    defaults = {"cwd": ROOT, "capture_output": True, "text": True, "encoding": "utf-8", "timeout": PATIENCE, "check": False}
    return subprocess.run([str(part) for part in command], **(defaults | options))


def python(program: str, *arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a program in a new interpreter."""
    return run(sys.executable, "-c", program, *arguments, **options)


def interrupted(program: str, *arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a program that calls ``ctrl_c(after=seconds)`` at the point where it is to be interrupted."""
    return python(CTRL_C + program, *arguments, **options)


def fastmlp(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run the installed command."""
    return run(*COMMAND, *arguments, **options)
