"""The machine's limits: measured once and stored, and measured again if the stored ones are invalid or of another machine."""

import json

import numpy as np
import pytest
from click.testing import CliRunner

from fastmlp.cli.commands import main
from fastmlp.kernels.bandwidth import nothing, read_through
from fastmlp.measure import roof as module
from fastmlp.measure.roof import LEVELS, Roof, level_sizes, roof


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty cache folder of the user, and a measurement that takes no time."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    made = []

    def measured():
        made.append(1)
        figures = {level: 100.0 / len(made) for level in LEVELS}
        return Roof("a CPU", 2, {"float32": 100.0, "float64": 50.0}, figures, figures, dict.fromkeys(LEVELS, 4096), 1e-7, 2e-7)

    monkeypatch.setattr(module, "measured", measured)
    return made


def test_limits_are_measured_once_and_again_when_asked(home):
    first = roof()
    assert roof() == first
    assert len(home) == 1
    assert roof(anew=True) != first
    assert len(home) == 2
    assert roof().bandwidth["L1"] == 50.0


@pytest.mark.parametrize(
    "damage",
    [
        lambda kept: "{",
        lambda kept: "[]",
        lambda kept: json.dumps(kept | {"key": ["another CPU"]}),
        lambda kept: json.dumps(kept | {"roof": kept["roof"] | {"schema": "fastmlp.roof/0"}}),
        lambda kept: json.dumps(kept | {"roof": kept["roof"] | {"bandwidth": {"L1": 1.0}}}),
        lambda kept: json.dumps(kept | {"roof": {"schema": "fastmlp.roof/1", "cpu": "x"}}),
        lambda kept: "\udcff".encode("utf-8", "surrogateescape").decode("latin-1"),
    ],
)
def test_a_file_that_holds_something_else_is_measured_anew(home, damage):
    first = roof()
    place = module.kept_at()
    place.write_text(damage(json.loads(place.read_text())), encoding="utf-8")
    assert roof().bandwidth != first.bandwidth
    assert len(home) == 2


def test_where_nothing_can_be_kept_it_is_measured_each_time(home, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "file"))
    roof()
    roof()
    assert len(home) == 2


def test_without_a_folder_for_compiled_code_the_user_s_own_is_taken(home, monkeypatch, tmp_path):
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    roof()
    assert (tmp_path / "user" / "fastmlp" / "roof.json").exists()


def test_the_command_shows_them(home):
    done = CliRunner().invoke(main, ["info", "--roof"], catch_exceptions=False)
    assert done.exit_code == 0
    for text in ("a CPU, 2 cores", "100 GFLOP/s", "memory", "100 ns", "200 ns"):
        assert text in done.output
    assert len(home) == 1
    CliRunner().invoke(main, ["info", "--anew"], catch_exceptions=False)
    assert len(home) == 2


def test_each_level_is_larger_than_the_one_before():
    sizes = list(level_sizes().values())
    assert sizes == sorted(sizes)
    assert len(set(sizes)) == 4


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_reading_adds_up_whole_groups_of_vectors(dtype):
    a = np.arange(1024, dtype=dtype)
    assert read_through(a, 3) == 3 * a.sum()
    assert read_through(a[:1], 3) == 0
    assert nothing() == 0


def test_measuring_gives_figures_of_every_level():
    found = module.measured()
    assert set(found.bandwidth) == set(found.bandwidth_all) == set(LEVELS)
    assert min(*found.bandwidth.values(), *found.bandwidth_all.values(), *found.peak_gflops.values(), found.call_seconds) > 0
    assert (found.barrier_seconds > 0) == (found.cores > 1)


def test_a_first_call_that_is_compiled_does_not_end_the_search_for_a_long_run(monkeypatch):
    runs = []

    def together(arrays, turns):
        runs.append(turns)
        return 1.0 if len(runs) == 1 else 1e-4 + turns * 1e-6  # compiling takes a second; a call costs a tenth of a millisecond

    monkeypatch.setattr(module, "together", together)
    assert module.bandwidth(4096, 1) == pytest.approx(4096 / 1e-6 / 1e9, rel=0.1)
    assert runs[-1] > 1000


def test_more_threads_read_more_until_all_cores_read():
    one, every = dict.fromkeys(LEVELS, 10.0), {"L1": 80.0, "L2": 80.0, "L3": 25.0, "memory": 8.0}
    found = Roof("a CPU", 8, {"float32": 100.0}, one, every, dict.fromkeys(LEVELS, 4096), 1e-7, 2e-7)
    assert found.bandwidth_of(1) == one
    assert found.bandwidth_of(4) == {"L1": 40.0, "L2": 40.0, "L3": 25.0, "memory": 10.0}
