"""Files are written completely or not at all, keep their permissions, and leave nothing behind, whatever happens to the writer."""

import os
import re
import socket
import subprocess
import sys
import threading

import pytest

from fastmlp.files import atomic
from fastmlp.files.atomic import PARTIAL, as_path, check_writable, write_atomically

pytestmark = pytest.mark.any_cpu

STUCK = """
import os, sys
from fastmlp.files.atomic import write_atomically

def stuck(descriptor):
    print("written", flush=True)
    sys.stdin.readline()

os.fsync = stuck
write_atomically(sys.argv[1], b"from the child")
"""


@pytest.fixture
def file(tmp_path):
    return tmp_path / "figures.json"


@pytest.fixture
def writer(file):
    """A child process in the middle of writing `file`: everything is written, nothing renamed yet; it continues on request."""
    with subprocess.Popen([sys.executable, "-c", STUCK, file], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout.readline() == "written\n"
        yield child
        child.kill()


def mode(file):
    return file.stat().st_mode & 0o777


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("permissions", [0o600, 0o644, 0o640, 0o755])
def test_an_existing_file_keeps_its_mode(file, permissions):
    file.write_bytes(b"old")
    file.chmod(permissions)
    write_atomically(file, b"new")
    assert (file.read_bytes(), mode(file)) == (b"new", permissions)


def test_a_new_file_has_the_mode_that_the_umask_leaves(file):
    before = os.umask(0o027)
    try:
        write_atomically(file, b"new")
    finally:
        os.umask(before)
    assert mode(file) == 0o640


def test_a_private_file_is_private_while_it_grows(file, monkeypatch):
    file.write_bytes(b"old")
    file.chmod(0o600)
    seen = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: seen.append(os.fstat(descriptor).st_mode & 0o777))
    write_atomically(file, b"new")
    assert seen == [0o600]


def test_a_group_that_cannot_be_kept_loses_its_share(file, monkeypatch):
    def refused(*arguments):
        raise PermissionError

    file.write_bytes(b"old")
    fields = list(file.stat())[:10]
    fields[0], fields[5] = 0o100664, fields[5] + 1  # as if it belonged to another group
    monkeypatch.setattr(os, "chown", refused)
    monkeypatch.setattr(atomic, "check_regular", lambda path: os.stat_result(fields))
    write_atomically(file, b"new")
    assert mode(file) == 0o604


def test_links_stay_and_their_target_is_written(file, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    target = tmp_path / "elsewhere" / "target"
    file.symlink_to("elsewhere/target")
    for content in (b"new", b"newer"):  # first created through the link, then replaced
        write_atomically(file, content)
        assert file.is_symlink()
        assert target.read_bytes() == content
    assert names(tmp_path) == ["elsewhere", "figures.json"]
    assert names(target.parent) == ["target"]


def test_what_is_no_regular_file_is_refused_and_stays(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "to_null").symlink_to("/dev/null")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(os.path.relpath(tmp_path / "socket"))  # relative, since the path of a socket must be short
    before = names(tmp_path)
    for name, message in [
        ("pipe", "expected a regular file, got a FIFO"),
        ("to_null", "expected a regular file, got a character device"),
        ("socket", "expected a regular file, got a socket"),
        ("folder", "Is a directory"),
        ("loop", "symbolic links"),
        ("pipe/below", "Not a directory"),
        ("missing/below", "No such file or directory"),
    ]:
        for use in (check_writable, lambda path: write_atomically(path, b"new")):
            with pytest.raises(OSError, match=message):
                use(tmp_path / name)
    assert names(tmp_path) == before
    assert not os.path.isfile("/dev/null")
    listener.close()


def test_a_read_only_file_is_refused(file, monkeypatch):
    file.write_bytes(b"old")
    monkeypatch.setattr(os, "access", lambda path, how: False)  # root may write any file
    with pytest.raises(PermissionError, match=re.escape(str(file))):
        write_atomically(file, b"new")
    assert file.read_bytes() == b"old"


def test_a_failed_write_leaves_the_old_file_alone(file, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    file.write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(file, b"new")
    assert (file.read_bytes(), names(file.parent)) == (b"old", [file.name])


def test_what_a_killed_writer_left_is_swept(file, writer):
    writer.kill()
    writer.wait()
    (left,) = names(file.parent)
    assert PARTIAL.fullmatch(left)
    write_atomically(file.with_name("another"), b"new")
    assert names(file.parent) == ["another"]


def test_a_living_writer_is_left_in_peace(file, writer):
    write_atomically(file, b"new")
    assert len(names(file.parent)) == 2
    assert file.read_bytes() == b"new"
    writer.communicate("go on\n")
    assert writer.returncode == 0
    assert file.read_bytes() == b"from the child"
    assert names(file.parent) == [file.name]


@pytest.mark.skipif(atomic.fcntl is None, reason="without locks nothing is swept")
def test_a_file_swept_before_its_lock_is_made_again(file, monkeypatch):
    lock, swept = atomic.fcntl.flock, []

    def sweep_first(descriptor, how):
        if not swept:
            swept.extend(file.parent.iterdir())
            swept[0].unlink()
        lock(descriptor, how)

    monkeypatch.setattr(atomic.fcntl, "flock", sweep_first)
    write_atomically(file, b"new")
    assert len(swept) == 1
    assert (file.read_bytes(), names(file.parent)) == (b"new", [file.name])


def test_files_of_others_are_not_swept(file):
    others = [".figures.json.partial", ".fastmlp-0123.partial", "fastmlp-0123456789abcdef.partial", ".fastmlp-0123456789abcdef.partial.txt"]
    for name in others:
        file.with_name(name).touch()
    write_atomically(file, b"new")
    assert names(file.parent) == sorted([*others, file.name])


def test_writers_in_threads_do_not_mix(file):
    contents = [bytes([k]) * 10_000 for k in range(8)]
    threads = [threading.Thread(target=lambda c=c: [write_atomically(file, c) for _ in range(20)]) for c in contents]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        assert not file.exists() or file.read_bytes() in contents
    for thread in threads:
        thread.join()
    assert names(file.parent) == [file.name]


@pytest.mark.parametrize("path", [3, None, b"bytes"])
def test_what_is_no_path_is_refused(path):
    with pytest.raises(TypeError, match=f"^path: expected a str or path-like, got {type(path).__name__}"):
        as_path(path)


def test_a_path_has_no_null_character():
    with pytest.raises(ValueError, match=r"^path: expected a path without null characters, got 'a\\x00b'"):
        as_path("a\0b")
