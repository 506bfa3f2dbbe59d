"""The installed command: what it prints and writes, its exit status, and its messages for bad input."""

import json
import re
import sys
from importlib import metadata
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner

from fastmlp.cli.commands import main
from fastmlp.cli.info import EXTRAS
from fastmlp.files.published import MNIST
from fastmlp.kernels.tile import MR, NV
from fastmlp.kernels.vectors import vector_bytes
from fastmlp.measure import comparison as compare
from fastmlp.measure.gradients import GRADIENTS, PUBLISHED, TRAINING
from fastmlp.measure.ladder import LADDER
from fastmlp.measure.rungs import COMPETITORS, Effort
from fastmlp.two_layer import network
from tests.children import fastmlp, python, run

pytestmark = pytest.mark.any_cpu


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """One run of `fastmlp compare`, with its folder and its JSON."""
    folder = tmp_path_factory.mktemp("compare")
    finished = fastmlp("compare", "--quick", "--json", "figures.json", "--plot", "picture.png", cwd=folder)
    assert finished.returncode == 0, finished.stderr
    return finished, folder, json.loads((folder / "figures.json").read_text())


def test_compare_shows_every_section(compared):
    finished, _, _ = compared
    for words in ("Environment", "wrong, as expected", "sigmoid_(act_hidden)", "4.82e-05", "0.01 0.99 0.99 0.01", "4096 784 256 10"):
        assert words in finished.stdout
    assert "Traceback" not in finished.stderr


def test_compare_writes_its_figures(compared):
    _, folder, figures = compared
    assert {path.name for path in folder.iterdir()} == {"figures.json", "picture.png"}
    assert (folder / "picture.png").read_bytes().startswith(b"\x89PNG")
    keys = {"schema", "passed", "conditions", "environment", "first_calls", "checks", "xor", "ladder", "profiles", "seconds"}
    assert set(figures) == keys
    assert figures["passed"] is True
    assert [rung["name"] for rung in figures["ladder"]] == list(LADDER)
    for rung in figures["ladder"]:
        assert {(gradient, way) for way, row in rung["seconds_per_step"].items() for gradient in row} == set(COMPETITORS)
        known = {(g, w): s for w, row in rung["seconds_per_step"].items() for g, s in row.items() if s is not None}
        assert min(known, key=known.get) == (rung["fastest"]["gradient"], rung["fastest"]["way"])
        assert len(known) + len(rung["not_measured"]) == len(COMPETITORS)
        assert min(known.values()) > 0
        assert rung["compiled_while_timing"] is False
    for row in figures["xor"]:
        if row["compiled_seconds_per_epoch"] and row["numpy_seconds_per_epoch"]:
            assert row["speed_up"] == pytest.approx(row["numpy_seconds_per_epoch"] / row["compiled_seconds_per_epoch"])
    assert [row["gradient"] for row in figures["xor"]] == [*TRAINING, "backward_as_published"]
    trained = {f"train, {name}" for name in TRAINING} | {"train, fused, 4096 of MNIST"}
    assert {call["function"] for call in figures["first_calls"]} == set(GRADIENTS) | trained


def test_compare_fails_when_a_gradient_is_wrong(monkeypatch, tmp_path):
    monkeypatch.setitem(GRADIENTS["backward_faster"], "compiled", PUBLISHED)
    monkeypatch.setattr(compare, "QUICK", Effort(0.01, {"NumPy": 0.01, "compiled": 0.01}))
    result = CliRunner().invoke(main, ["compare", "--quick", "--json", str(tmp_path / "figures.json")])
    assert result.exit_code == 1
    assert "failed for backward_faster (compiled)" in result.stdout
    assert json.loads((tmp_path / "figures.json").read_text())["passed"] is False


def test_xor_prints_errors_and_the_truth_table(golden):
    recorded = golden["notebook_1"]["runs"]["backward_pass"]
    finished = fastmlp("train", "xor")
    assert finished.returncode == 0, finished.stderr
    record, table = finished.stdout.split("\n\n")
    errors = np.array([line.replace(",", "").split() for line in record.splitlines()[1:]], float)
    np.testing.assert_allclose(errors, np.transpose([recorded["epochs"], recorded["errors"]]), rtol=1e-5)
    rows = np.array([line.split() for line in table.splitlines()[1:]], float)
    np.testing.assert_array_equal(rows[:, [0, 1, 2, 4]], [[0, 0, 0, 0], [0, 1, 1, 1], [1, 0, 1, 1], [1, 1, 0, 0]])
    np.testing.assert_allclose(rows[:, 3], recorded["final_y_hat"], atol=6e-5)


def test_xor_draws_one_picture(tmp_path):
    finished = fastmlp("train", "xor", "--epochs", "50", "--plot", "xor.png", cwd=tmp_path)
    assert finished.returncode == 0, finished.stderr
    assert "Wrote xor.png" in finished.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["xor.png"]
    assert (tmp_path / "xor.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("gradient", TRAINING)
def test_xor_takes_its_options(gradient):
    options = ["--gradient", gradient, "--epochs", "5", "--record-every", "2", "--hidden", "4", "--seed", "7", "--lr", "0.05"]
    result = CliRunner().invoke(main, ["train", "xor", *options])
    assert result.exit_code == 0
    expected = network.train(*XOR, *starting_weights(), 5, 0.05, record_every=2)
    lines = result.stdout.splitlines()
    assert [line.split() for line in lines[1:4]] == [[str(e), f"{error:.6g}"] for e, error in zip(*expected[2:], strict=True)]


XOR = np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]]), np.array([[0], [1], [1], [0.0]])


def starting_weights():
    generator = np.random.RandomState(7)
    return generator.random_sample((2, 4)), generator.random_sample((4, 1))


def test_divergence_is_a_plain_error():
    result = CliRunner().invoke(main, ["train", "xor", "--lr", "1e6"])
    assert result.exit_code == 1
    assert "diverged" in result.stderr
    assert isinstance(result.exception, SystemExit)


BAD = [
    (["nothing"], "nothing"),
    (["train", "nothing"], "nothing"),
    (["compare", "--nothing"], "--nothing"),
    (["compare", "extra"], "extra"),
    (["compare", "--json", "missing/figures.json"], "No such file"),
    (["compare", "--json", "file.json/figures.json"], "--json"),
    (["compare", "--json", "figures.txt"], ".json"),
    (["compare", "--json", "folder.json"], "directory"),
    (["compare", "--plot", "missing/picture.png"], "No such file"),
    (["compare", "--plot", "picture.gif"], ".png"),
    (["train", "xor", "--plot", "missing/picture.png"], "No such file"),
    (["train", "xor", "--plot", "picture"], ".png"),
    (["train", "xor", "--epochs", "0"], "--epochs"),
    (["train", "xor", "--epochs", "ten"], "--epochs"),
    (["train", "xor", "--epochs", "1000000000", "--record-every", "2"], "--record-every"),
    (["train", "xor", "--epochs", "1500000", "--record-every", "1"], "expected at least 2"),
    (["train", "xor", "--record-every", "0"], "--record-every"),
    (["train", "xor", "--record-every", str(2**70)], "--record-every"),
    (["train", "xor", "--epochs", str(2**70)], "--epochs"),
    (["train", "xor", "--hidden", str(2**70)], "--hidden"),
    (["train", "xor", "--seed", str(2**70)], "--seed"),
    (["train", "xor", "--lr", "1e999"], "learning_rate"),
    (["train", "xor", "--hidden", "0"], "--hidden"),
    (["train", "xor", "--hidden", "1000000000"], "--hidden"),
    (["train", "xor", "--learning-rate", "0"], "--learning-rate"),
    (["train", "xor", "--lr", "-1"], "--learning-rate"),
    (["train", "xor", "--lr", "nan"], "learning_rate"),
    (["train", "xor", "--lr", "inf"], "learning_rate"),
    (["train", "xor", "--gradient", "backwards"], "backward_faster"),
    (["train", "xor", "--seed", "-1"], "--seed"),
    (["train", "xor", "--seed", "4294967296"], "--seed"),
    (["train", "digits", "extra"], "extra"),
    (["train", "digits", "--hidden"], "--hidden"),
    (["train", "digits", "--hidden", "0"], "--hidden"),
    (["train", "digits", "--hidden", "5", "-6"], "-6"),
    (["train", "digits", "--hidden", "5", "six"], "six"),
    (["train", "digits", "--hidden", "5,,6"], "5,,6"),
    (["train", "digits", "--hidden", "100001"], "100,000"),
    (["train", "digits", "--hidden", "5", "--epochs", "0"], "--epochs"),
    (["train", "digits", "--batch-size", "0"], "--batch-size"),
    (["train", "digits", "--batch-size", str(2**70)], "--batch-size"),
    (["train", "digits", "--epochs", str(2**70)], "--epochs"),
    (["train", "digits", "--hidden", str(2**70)], "--hidden"),
    (["train", "digits", "--threads", str(2**70)], "--threads"),
    (["train", "digits", "--seed", str(2**70)], "--seed"),
    (["train", "digits", "--lr", "1e999"], "learning_rate"),
    (["train", "digits", "--optimizer", "magic"], "nesterov"),
    (["train", "digits", "--lr", "0"], "--learning-rate"),
    (["train", "digits", "--lr", "nan"], "learning_rate"),
    (["train", "digits", "--lr", "inf"], "learning_rate"),
    (["train", "digits", "--schedule", "magic"], "one_cycle"),
    (["train", "digits", "--activation", "magic"], "leaky_relu"),
    (["train", "digits", "--dropout", "1"], "--dropout"),
    (["train", "digits", "--dropout", "nan"], "rate"),
    (["train", "digits", "--dtype", "float16"], "float64"),
    (["train", "digits", "--threads", "0"], "--threads"),
    (["train", "digits", "--seed", "-1"], "--seed"),
    (["train", "digits", "--plot", "picture.gif"], ".png"),
    (["train", "digits", "--save", "model.bin"], ".safetensors"),
    (["train", "digits", "--save", "missing/model.safetensors"], "No such file"),
    (["train", "digits", "--data", "."], "--data"),
    (["train", "mnist", "--data", "missing"], "--data"),
    (["train", "mnist", "--data", "file.json"], "--data"),
    (["train", "fashion-mnist", "--data", "folder.json"], "four files of Fashion-MNIST"),
    (["warmup", "everything"], "everything"),
    (["bench", "--seeds", str(2**70)], "--seeds"),
    (["info", "--nothing"], "--nothing"),
]


@pytest.mark.parametrize(("arguments", "words"), BAD)
def test_bad_input_is_refused_at_once(tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file.json").touch()
    (tmp_path / "folder.json").mkdir()
    monkeypatch.setattr("fastmlp.cli.compare_tables.run", lambda *_: pytest.fail("measured before the arguments were checked"))
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert "Error" in result.stderr
    assert words in result.stderr
    assert isinstance(result.exception, SystemExit)
    assert {path.name for path in tmp_path.iterdir()} == {"file.json", "folder.json"}


def test_an_error_leaves_no_traceback(tmp_path):
    finished = fastmlp("train", "xor", "--lr", "nan", cwd=tmp_path)
    assert finished.returncode == 2
    assert "Traceback" not in finished.stderr


def test_without_matplotlib_the_error_says_what_to_install(tmp_path):
    program = "import sys; sys.modules['matplotlib'] = None; from fastmlp.cli.commands import main; main(prog_name='fastmlp')"
    finished = python(program, "train", "xor", "--plot", "xor.png", cwd=tmp_path)
    assert finished.returncode == 2
    assert "fastmlp[plot]" in finished.stderr
    assert "Traceback" not in finished.stderr


def commands(group=main, path=()):
    """Yield every command and group, as the words that name it."""
    yield [*path]
    for name, command in getattr(group, "commands", {}).items():
        yield from commands(command, (*path, name))


@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_help_has_examples(words):
    result = CliRunner().invoke(main, [*words, "-h"])
    assert result.exit_code == 0
    assert "Examples:\n    fastmlp " in result.stdout


def test_info_tells_what_this_machine_has():
    finished = fastmlp("info")
    assert (finished.returncode, finished.stderr) == (0, "")
    for words in ("Machine", "Compile cache", "Data sets", "Extras", f"{8 * vector_bytes()} bits", f"{MR} rows x {NV} vectors", "writable"):
        assert words in finished.stdout
    single, double = (float(found) for found in re.findall(r"peak float\d\d +(\d+) GFLOP/s", finished.stdout))
    assert single > double > 0
    for package in EXTRAS.values():
        assert f"{package} {metadata.version(package)}" in finished.stdout


def test_info_tells_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.delenv("FASTMLP_DATA", raising=False)
    monkeypatch.setattr("pooch.os_cache", lambda project: tmp_path)
    monkeypatch.setattr("fastmlp.kernels.epochs.train_epochs", SimpleNamespace(stats=SimpleNamespace(cache_path=None)))
    monkeypatch.setitem(EXTRAS, "plot", "no-such-package")
    result = CliRunner().invoke(main, ["info"])
    assert result.exit_code == 0
    for words in ("not found; fastmlp train mnist", "NUMBA_CACHE_DIR", "no-such-package is not installed", "fastmlp[plot]"):
        assert words in " ".join(result.stdout.split())
    (tmp_path / "mnist").mkdir()
    for name in MNIST.sha256:
        (tmp_path / "mnist" / f"{name}.gz").touch()
    assert "not found; fastmlp train mnist" not in " ".join(CliRunner().invoke(main, ["info"]).stdout.split())


def test_the_extras_are_those_of_the_package():
    needed = [re.match(r"([\w-]+).*extra == ['\"](\w+)['\"]", line) for line in metadata.requires("fastmlp")]
    assert {(match[2], match[1]) for match in needed if match and match[2] in EXTRAS} == set(EXTRAS.items())


def test_the_version_is_the_packages():
    finished = fastmlp("--version")
    assert finished.returncode == 0
    name, version = finished.stdout.split()
    assert name == "fastmlp"
    assert version.count(".") == 2
    assert run(sys.executable, "-m", "fastmlp", "--version").stdout == finished.stdout


def test_the_command_starts_without_what_it_may_not_need():
    program = "import sys, fastmlp.cli.commands; print(*sorted({'matplotlib', 'pandas', 'rich', 'sklearn', 'torch'} & set(sys.modules)))"
    assert python(program).stdout.strip() == ""
