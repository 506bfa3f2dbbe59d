"""`fastmlp train` on images: the installed command, its options, interruption, and missing data."""

import os
import re
import sys

import numpy as np
import pytest
from click.testing import CliRunner

from fastmlp import History, load
from fastmlp.cli import image_training as training
from fastmlp.cli.commands import main
from fastmlp.cli.epoch_lines import EpochLines
from fastmlp.cli.hidden_option import repeat_option
from fastmlp.datasets import load_digits
from fastmlp.model.layers import ACTIVATION_LAYERS
from fastmlp.model.optimizers import OPTIMIZERS
from tests.children import fastmlp, python

pytestmark = pytest.mark.any_cpu

# name, options, test accuracy to be reached
RUNS = [("digits", ["--hidden", "32", "16", "--epochs", "3", "--optimizer", "adam", "--lr", "0.01"], 0.85)]
if os.environ.get("FASTMLP_DATA"):
    RUNS.append(("mnist", ["--hidden", "32", "--epochs", "1"], 0.85))


def digits(*arguments):
    return CliRunner().invoke(main, ["train", "digits", "--hidden", "16", "--epochs", "2", *arguments])


def record(text):
    """Return the table of epochs without the seconds."""
    rows = [line.split() for line in text.splitlines() if re.match(r" +\d+( +\d+\.\d+){5}$", line)]
    return [[float(cell) for cell in row[:-1]] for row in rows]


@pytest.mark.parametrize(("name", "options", "enough"), RUNS)
def test_the_installed_command_trains_draws_and_saves(tmp_path, name, options, enough):
    finished = fastmlp("train", name, *options, "--plot", "curves.png", "--save", "model.safetensors", cwd=tmp_path)
    assert (finished.returncode, finished.stderr) == (0, "")
    epochs = record(finished.stdout)
    assert [row[0] for row in epochs] == list(range(1, int(options[options.index("--epochs") + 1]) + 1))
    accuracy = float(re.search(r"^test accuracy +(\S+)$", finished.stdout, re.MULTILINE)[1])
    assert accuracy == epochs[-1][-1] >= enough
    assert {path.name for path in tmp_path.iterdir()} == {"curves.png", "model.safetensors"}
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
    model = load(tmp_path / "model.safetensors")
    assert f"\n{model}\n" in finished.stdout
    if name == "digits":
        assert model.evaluate(*load_digits()[1])[1] == pytest.approx(accuracy, abs=5e-5)


def test_the_speed_counts_useful_operations():
    text = digits("--epochs", "20", "--threads", "1").stdout
    seconds, unit = re.search(r"^training +(\S+) (m?s),", text, re.MULTILINE).groups()
    found = re.search(r"^speed +(\S+) GFLOP/s, (\d+)% of the FMA peak of 1 core \((\S+) GF", text, re.MULTILINE)
    speed, share, peak = map(float, found.groups())
    done = speed * float(seconds) * {"s": 1, "ms": 1e-3}[unit]
    assert done == pytest.approx(2 * (3 * (64 * 16 + 16 * 10) - 64 * 16) * 1437 * 20 / 1e9, rel=0.02)
    assert share == pytest.approx(100 * speed / peak, abs=2)


@pytest.mark.parametrize(
    "hidden", [["--hidden", "20", "10"], ["--hidden=20", "10"], ["--hidden", "20,10"], ["--hidden", "20", "--hidden", "10"]]
)
def test_hidden_layers_may_be_written_in_several_ways(hidden):
    result = CliRunner().invoke(main, ["train", "digits", "--epochs", "1", *hidden, "--batch-size", "500"])
    assert result.exit_code == 0
    assert re.findall(r"Dense\((\d+), (\d+)\)", result.stdout) == [("64", "20"), ("20", "10"), ("10", "10")]


def test_only_values_of_hidden_are_gathered():
    def repeated(text):
        return " ".join(repeat_option(text.split()))

    assert repeated("--lr 1 --hidden 5 6 7 --seed 3") == "--lr 1 --hidden 5 --hidden 6 --hidden 7 --seed 3"
    assert repeated("--hidden 5 -h") == "--hidden 5 -h"
    assert repeated("--hidden 5 -6") == "--hidden 5 --hidden -6"


@pytest.mark.parametrize(
    "option",
    [
        ["--batch-size", "32"],
        ["--lr", "0.2"],
        ["--seed", "1"],
        ["--dropout", "0.5"],
        *(["--optimizer", name] for name in OPTIMIZERS if name != "sgd"),
        *(["--schedule", name] for name in ("inverse_scaling", "cosine", "one_cycle")),
        *(["--activation", name] for name in ACTIVATION_LAYERS if name != "relu"),
    ],
)
def test_options_change_the_run(option):
    plain, changed = digits(), digits(*option)
    assert (plain.exit_code, changed.exit_code) == (0, 0)
    assert len(record(changed.stdout)) == 2
    assert record(changed.stdout) != record(plain.stdout)


def test_threads_do_not_change_the_run():
    one, two = digits("--threads", "1"), digits("--threads", "2")
    assert ", float32, 1 thread\n" in one.stdout
    assert ", float32, 2 threads\n" in two.stdout
    assert record(one.stdout) == record(two.stdout)


def test_precision_is_the_models(tmp_path):
    path = tmp_path / "model.safetensors"
    result = digits("--dtype", "float64", "--save", str(path))
    assert result.exit_code == 0
    assert load(path).parameters.dtype == np.float64
    np.testing.assert_allclose(record(result.stdout), record(digits().stdout), atol=2e-4)


def test_ctrl_c_keeps_what_there_is(tmp_path, monkeypatch, ctrl_c):
    class Interrupting(EpochLines):
        def on_epoch_end(self, epoch, model, history):
            super().on_epoch_end(epoch, model, history)
            if epoch == 2:
                ctrl_c()

    monkeypatch.setattr(training, "EpochLines", Interrupting)
    path = tmp_path / "model.safetensors"
    result = digits("--epochs", "1000000", "--save", str(path), "--plot", str(tmp_path / "curves.png"))
    assert result.exit_code == 130
    assert "Interrupted after 3 epochs.\ntest accuracy" in result.stdout
    accuracy = float(re.search(r"^test accuracy +(\S+)", result.stdout, re.MULTILINE)[1])
    assert load(path).evaluate(*load_digits()[1])[1] == pytest.approx(accuracy, abs=5e-5)
    assert (tmp_path / "curves.png").exists()


def test_ctrl_c_before_the_training_has_the_same_status(monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "load", interrupt)
    result = digits()
    assert (result.exit_code, result.stdout, result.stderr) == (130, "", "Interrupted\n")


def test_a_terminal_gets_a_bar_instead_of_lines(monkeypatch):
    monkeypatch.setattr(training, "is_watched", lambda: True)
    result = digits()
    assert result.exit_code == 0
    assert record(result.stdout) == []
    assert "accuracy" in result.stderr


@pytest.mark.parametrize(("epochs", "shown"), [(40, range(1, 41)), (45, [1, 10, 20, 30, 40, 45]), (2000, [1, *range(100, 2001, 100)])])
def test_many_epochs_are_not_many_lines(capsys, epochs, shown):
    lines, history = EpochLines(epochs), History([0.5], [0.5], [0.5], [0.5], [0.1], [0.1])
    lines.on_train_begin(None, history)
    for epoch in range(epochs):
        lines.on_epoch_end(epoch, None, history)
    assert [row[0] for row in record(capsys.readouterr().out)] == list(shown)


def test_divergence_is_a_plain_error(tmp_path):
    path = tmp_path / "model.safetensors"
    result = digits("--lr", "1e30", "--save", str(path))
    assert result.exit_code == 1
    assert "diverged in epoch 1" in result.stderr
    assert not path.exists()


def test_missing_files_are_named_with_a_way_to_get_them(tmp_path):
    result = CliRunner().invoke(main, ["train", "mnist", "--data", str(tmp_path)])
    assert result.exit_code == 2
    for words in (f"Looked in: {tmp_path}\n", "train-images-idx3-ubyte", "https://", "FASTMLP_DATA", "fastmlp[data]"):
        assert words in result.stderr


def test_without_pooch_every_place_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    monkeypatch.setenv("FASTMLP_DATA", str(tmp_path))
    result = CliRunner().invoke(main, ["train", "mnist"])
    assert result.exit_code == 2
    assert "needs pooch" in result.stderr
    assert f"Looked in: {tmp_path / 'mnist'}, {tmp_path}\n" in result.stderr
    monkeypatch.delenv("FASTMLP_DATA")
    assert "Looked in: no folder, because FASTMLP_DATA is not set" in CliRunner().invoke(main, ["train", "mnist"]).stderr


@pytest.mark.parametrize(
    ("module", "option", "extra"), [("matplotlib", "--plot=a.png", "plot"), ("safetensors", "--save=a.safetensors", "save")]
)
def test_what_is_not_installed_is_found_out_first(tmp_path, module, option, extra):
    program = f"import sys; sys.modules['{module}'] = None; from fastmlp.cli.commands import main; main(prog_name='fastmlp')"
    finished = python(program, "train", "digits", option, cwd=tmp_path)
    assert finished.returncode == 2
    assert f"fastmlp[{extra}]" in finished.stderr
    assert "Traceback" not in finished.stderr
    assert finished.stdout == ""
