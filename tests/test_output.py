"""Commands whose output cannot be written end without a traceback and with the exit status that shells expect."""

import os
from pathlib import Path

import pytest

from tests.children import COMMAND, run

pytestmark = [pytest.mark.any_cpu, pytest.mark.skipif(os.name == "nt", reason="a POSIX shell redirects")]

COMMANDS = {
    "help": ["--help"],
    "info": ["info"],
    "xor": ["train", "xor", "--epochs", "5000", "--record-every", "1"],
    "digits": ["train", "digits", "--hidden", "8", "--epochs", "3"],
}
FULL_DISK = Path("/dev/full")


def through_shell(redirection, arguments):
    """Run the command in a shell, redirected; return its own exit status even if other commands follow in the pipe."""
    return run("bash", "-c", f'set -o pipefail; "$@" {redirection}', "fastmlp", *COMMAND, *arguments)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_closed_pipe_ends_a_command_in_silence(name):
    finished = through_shell("| true", COMMANDS[name])  # this ends long before Python has started
    assert (finished.returncode, finished.stdout, finished.stderr) == (141, "", "")


def test_a_reader_of_the_first_lines_gets_them():
    finished = through_shell("| head -2", COMMANDS["xor"])
    assert (finished.returncode, finished.stderr) == (141, "")
    assert [line.split()[0] for line in finished.stdout.splitlines()] == ["epoch", "0"]


@pytest.mark.skipif(not FULL_DISK.exists(), reason="no /dev/full")
@pytest.mark.parametrize("name", COMMANDS)
def test_a_full_disk_is_an_error_of_one_line(name):
    finished = through_shell(f"> {FULL_DISK}", COMMANDS[name])
    assert (finished.returncode, finished.stderr) == (1, "Error: the output cannot be written: No space left on device\n")


@pytest.mark.parametrize(
    ("name", "redirection"), [("info", ">&-"), ("xor", ">&-"), ("xor", "2>&-"), ("digits", "2>&-"), ("digits", ">&- 2>&-")]
)
def test_a_command_works_without_its_streams(name, redirection):
    finished = through_shell(redirection, COMMANDS[name])
    assert (finished.returncode, finished.stderr) == (0, "")
    assert "Traceback" not in finished.stdout


def test_a_mistake_has_its_status_where_nobody_reads_what_it_was():
    assert through_shell("2>&-", ["compare", "--nothing"]).returncode == 2


def test_files_are_written_though_nobody_reads_the_output(tmp_path):
    saved = tmp_path / "model.safetensors"
    finished = through_shell(">&- 2>&-", [*COMMANDS["digits"], "--save", saved])
    assert finished.returncode == 0
    assert saved.exists()
