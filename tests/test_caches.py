"""Sizes of caches: what is read from the system, and what is assumed if there is nothing to read."""

import pytest

from fastmlp.kernels import caches

pytestmark = pytest.mark.any_cpu


def write(folder, **told):
    folder.mkdir()
    for name, text in told.items():
        (folder / name).write_text(text + "\n", encoding="ascii")


def test_linux_tells_the_sizes_of_data_caches(tmp_path):
    write(tmp_path / "index0", level="1", type="Instruction", size="64K")
    write(tmp_path / "index1", level="1", type="Data", size="48K")
    write(tmp_path / "index2", level="2", type="Unified", size="2M")
    assert caches.size_on_linux(1, tmp_path) == 48 * 1024
    assert caches.size_on_linux(2, tmp_path) == 2 * 1024 * 1024


@pytest.mark.parametrize("told", [None, {}, {"size": "huge"}, {"size": "0K"}, {"size": "999999M"}])
def test_a_system_that_does_not_tell_is_given_a_small_cache(told, tmp_path, monkeypatch):
    if told is not None:
        write(tmp_path / "index0", **{"level": "2", "type": "Unified"} | told)
    monkeypatch.setattr(caches, "LINUX", tmp_path)
    monkeypatch.setattr(caches.sys, "platform", "linux")
    assert caches.cache_size.__wrapped__(2) == 256 * 1024


@pytest.mark.parametrize("level", [1, 2])
def test_this_machine_has_caches(level):
    assert 4 * 1024 <= caches.cache_size(level) <= 1024**3
