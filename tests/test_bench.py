"""`fastmlp bench`: every peer does the same work, figures follow from the rounds, and a peer that is left out is named."""

import json
import math
import multiprocessing
import os
import time
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from rich.console import Console

from fastmlp import SGD, Adam
from fastmlp.cli import bench_sections
from fastmlp.cli import bench_tables as report
from fastmlp.cli.commands import main
from fastmlp.engine import memory
from fastmlp.engine.cost import training_operations
from fastmlp.kernels.tile import MR
from fastmlp.kernels.views import Block, Span
from fastmlp.kernels.zeros import find_active, find_used, list_step
from fastmlp.measure.bench import sections, start_and_memory
from fastmlp.measure.bench.numpy_network import NumpyNetwork
from fastmlp.measure.bench.peers import PEERS, Peer, sequential
from fastmlp.measure.bench.predictors import PREDICTORS
from fastmlp.measure.bench.results import Bench, Claim, Effort, Entry, Outcome, Round, same_accuracy
from fastmlp.measure.bench.sections import Target, Training, claim, missing_predictor
from fastmlp.measure.bench.start_and_memory import Limits, Memory, Start
from fastmlp.measure.bench.tasks import Task, initial_layers, load, skipped, steps
from fastmlp.measure.bench.workers import PeerError, Worker
from fastmlp.plotting import bench as picture
from fastmlp.plotting import save

pytestmark = pytest.mark.any_cpu

IRIS = Task("iris", (20,), batch_size=50, epochs=40, optimizer="adam", learning_rate=1e-2, dtype="float64")


class Absent(Peer):
    """A peer whose package does not exist."""

    needs = ("no_such_package",)


@pytest.mark.parametrize(("name", "optimizer"), [("sgd", SGD(0.1)), ("adam", Adam(0.01))])
def test_the_numpy_loop_and_the_engine_train_alike(name, optimizer):
    rng = np.random.default_rng(0)
    X, layers = rng.normal(size=(45, 7)), initial_layers([7, 9, 5, 3], 0, "float64")
    y = X[:, :3].argmax(axis=1)
    network, model = NumpyNetwork(layers, name, optimizer.learning_rate), sequential(layers, "softmax_cross_entropy")
    losses = network.train(X, y, 10, [np.arange(45)] * 20)
    history = model.fit(X, y, epochs=20, batch_size=10, optimizer=optimizer, shuffle=False, progress=False)
    np.testing.assert_allclose(history.losses, losses, rtol=1e-10)
    assert losses[-1] < 0.8 * losses[0]
    np.testing.assert_array_equal(model.predict(X), network.predict(X))


@pytest.mark.parametrize("who", [who for who, peer in PEERS.items() if not peer.missing()])
def test_every_installed_peer_learns(who):
    peer = PEERS[who](IRIS, 1)
    peer.warm_up()
    assert peer.fit(seed=1, epochs=IRIS.epochs) > 0
    assert np.mean(peer.predict(peer.data.X_test) == peer.data.y_test) > 0.85


@pytest.mark.parametrize("who", [who for who in PREDICTORS if not missing_predictor(who)])
def test_every_installed_predictor_agrees(who):
    layers = initial_layers([6, 8, 4], seed=3)
    X = np.random.default_rng(0).standard_normal((50, 6), np.float32)
    (W1, b1), (W2, b2) = layers
    expected = (np.maximum(X @ W1 + b1, 0) @ W2 + b2).argmax(axis=1)
    assert len(set(expected)) > 1
    np.testing.assert_array_equal(PREDICTORS[who][1](layers, 1)(X), expected)


def test_the_operations_of_an_epoch_of_fashion_mnist():
    assert 60_000 * training_operations([784, 100, 200, 10]) == pytest.approx(26.7e9, rel=2e-3)
    assert training_operations([784, 10]) == 4 * 7840


def test_what_is_skipped_is_what_the_kernels_skip():
    rng = np.random.default_rng(0)
    X = np.where(rng.random((64, 30)) < 0.7, 0, 1.0)
    X[:, 20:] = 0
    (I, O), step = (30, 8), list_step(64)
    active, bits, used, counts = np.zeros(I + 1, int), np.zeros((1, I), np.uint64), np.zeros(6 * step, int), np.zeros(6, int)
    x = memory.aligned(X.T.ravel())
    count, _ = find_active(active, bits, Block(x, 0, 64, 1, 64), I, np.zeros(1, np.uint8))
    find_used(used, counts, bits, Span(active, 0, count), 64)
    multiplied = sum(int(n) * min(MR, count - MR * tile) for tile, n in enumerate(counts[: -(-count // MR)]))
    assert count == 20
    assert skipped(X, O, 64) == pytest.approx(2 * O * ((I - count) + (I * 64 - multiplied) / 64))
    assert skipped(X + 1, O, 64) == 0
    outcome = outcome_of([1.0], peer=[1.0])
    outcome.skipped = 10e9
    assert [outcome.share(entry) for entry in outcome.entries] == pytest.approx([0.4, 0.5])


def test_data_and_steps():
    data = load(replace(IRIS, samples=70, dtype="float32"))
    assert (data.X.shape, data.X_test.shape, data.X.dtype) == ((70, 4), (30, 4), np.float32)
    assert steps(IRIS, data) == 2
    assert steps(replace(IRIS, batch_size=200), data) == 1
    assert replace(IRIS, samples=None).smaller().epochs == 3
    centred = load(replace(IRIS, centred=True))
    assert abs(centred.X.mean()) < 1e-12
    np.testing.assert_allclose(np.diff(centred.X_test, axis=0), np.diff(load(IRIS).X_test, axis=0), atol=1e-12)


def fail():
    raise ZeroDivisionError("first line\nsecond line")


def test_a_worker_has_its_threads_and_reports_what_fails():
    before = dict(os.environ)
    with Worker(1) as worker:
        assert worker.call(os.getenv, "OPENBLAS_NUM_THREADS") == worker.call(os.getenv, "OMP_NUM_THREADS") == "1"
        if hasattr(os, "sched_getaffinity"):
            assert len(worker.call(os.sched_getaffinity, 0)) == 1
        with pytest.raises(PeerError, match=r"^ZeroDivisionError: first line$"):
            worker.call(fail)
        assert worker.call(math.sqrt, 4.0) == 2.0
        with pytest.raises(PeerError, match="ended"):
            worker.call(os._exit, 3)
    assert dict(os.environ) == before


def interrupt(worker):
    with worker:
        worker.pool.submit(time.sleep, 600)
        raise KeyboardInterrupt


def test_ctrl_c_does_not_wait_for_a_worker():
    worker = Worker(1)
    assert worker.pid in [child.pid for child in multiprocessing.active_children()]
    with pytest.raises(KeyboardInterrupt):
        interrupt(worker)
    assert worker.pid not in [child.pid for child in multiprocessing.active_children()]


def test_a_section_measures_who_is_there_and_names_who_is_not(monkeypatch):
    monkeypatch.setitem(PEERS, "Absent", Absent)
    targets = (Target("times", 1e-9, 1e-9, "NumPy"), Target("times", 2, 2, "Absent"))
    targets += (Target("share", 2.0, 2.0), Target("best peer", 1e-9, 1e-9))
    section = Training("iris", "Iris", IRIS, (("fastmlp", 1), ("NumPy", 1), ("Absent", 1), ("NumPy", 10_000)), targets, unit="step")
    monkeypatch.setattr(bench_sections, "SECTIONS", (section,))
    console = Console(record=True, width=200)
    bench = report.run(console, seeds=2)
    text, figures = console.export_text(), json.loads(json.dumps(bench.as_dict(), allow_nan=False))
    ours, numpy, absent, many = figures["outcomes"][0]["entries"]
    assert len(ours["seconds"]) == len(numpy["seconds"]) == len(ours["accuracies"]) == len(ours["peaks"]) == 2
    assert ours["times_fastmlp"] == 1.0
    assert min(ours["accuracies"] + numpy["accuracies"]) > 0.85
    assert absent["missing"] == "not installed"
    assert "core" in many["missing"]
    verdicts = [claim["verdict"] for claim in figures["outcomes"][0]["claims"]]
    assert verdicts == ["met", "not measured", "missed", "met"]
    assert "4 targets: 2 met, 1 missed, 1 not measured" in text
    assert "not installed" in text
    assert "accuracies are equal within noise" in text


def test_a_peer_that_fails_is_named_and_the_others_go_on(monkeypatch):
    section = Training("x", "X", replace(IRIS, optimizer="no such"), (("fastmlp", 1), ("NumPy", 1)), (Target("seconds", 1.0, 1.0),))
    outcome = section.measure(Effort(1, quick=False), lambda what: None)
    assert [entry.missing for entry in outcome.entries] == ["failed: KeyError: 'no such'"] * 2
    assert outcome.claims[0].verdict == "not measured"
    assert "KeyError" in report.measurement(outcome.claims[0])


def outcome_of(seconds, **others):
    """Make an outcome from the seconds of fastmlp and of the peers in each round."""
    entries = [Entry(who, 1, list(values), [0.9] * len(values), [100.0] * len(values)) for who, values in others.items()]
    ours = Entry("fastmlp", 1, list(seconds), [0.9] * len(seconds), [100.0] * len(seconds))
    return Outcome("x", "X", "epoch", [ours, *entries], operations=50e9)


def made_up(outcome, seeds, quick):
    machine = {"cpu": "C", "cpu_name_llvm": "c", "cores": 2, "vector_bits": 512, "operating_system": "O", "blas_numpy": "B"}
    machine |= {"versions": {"fastmlp": "1"}, "settings": {"OPENBLAS_CORETYPE": "Old"}}
    return Bench(machine, {"seeds": seeds, "quick": quick, "absent": ["torch"]}, [outcome], 1.0)


def test_ratios_are_medians_of_the_rounds(monkeypatch):
    outcome = outcome_of([1.0, 10.0, 2.0], slow=[3.0, 20.0, 8.0], quick=[0.5, 5.0, 1.0])
    assert claim(outcome, Target("times", 2.5, 2.5, "slow")) == Claim("as fast as slow", "x", 2.5, 3.0)
    for registers, bound in ((True, 2.5), (False, 3.5)):
        monkeypatch.setattr(sections, "many_registers", lambda registers=registers: registers)
        assert claim(outcome, Target("times", 2.5, 3.5, "slow")).target == bound
    best = claim(outcome, Target("best peer", 1.3, 1.3))
    assert (best.what, best.measured, best.verdict) == ("as fast as the best peer, quick,", 0.5, "missed")
    assert claim(outcome, Target("share", 0.2, 0.2)).measured == pytest.approx(0.25)  # 50 GFLOP in 2 s at 100 GFLOP/s
    assert claim(outcome, Target("seconds", 2.5, 2.5)).verdict == "met"
    assert claim(outcome, Target("accuracy", 0.95, 0.95)).verdict == "missed"
    outcome.entries.append(Entry("fastmlp", 2, [0.5, 5.0, 1.0], [0.9] * 3, [100.0] * 3))
    assert claim(outcome, Target("times one thread", 1.6, 1.6)).measured == 2.0
    assert outcome.share(outcome.own) == pytest.approx(0.25)


def test_accuracies_beyond_noise_are_told_apart():
    assert same_accuracy([0.9], [0.5], 1000)  # a single round gives no estimate of the noise
    assert same_accuracy([0.9, 0.9, 0.9], [0.899, 0.899, 0.899], 1000)
    assert not same_accuracy([0.9, 0.9, 0.9], [0.89, 0.89, 0.89], 1000)
    assert same_accuracy([0.9, 0.9, 0.9], [0.89, 0.89, 0.89], 100)  # of 100 samples, that is a difference of one


def test_losses_and_absences_are_on_the_page_and_in_the_picture(tmp_path):
    outcome = outcome_of([2.0, 2.0], slow=[3.0, 3.0], quick=[1.0, 1.0])
    outcome.entries += [Entry("Absent", missing="not installed"), Entry("broken", missing="failed: its process ended"), Entry("quick", 2)]
    for _ in range(2):
        outcome.entries[-1].add(Round(0.5, None, 100.0))
    outcome.claims = [claim(outcome, Target("times", 2, 2, who)) for who in ("slow", "Absent")]
    bench = made_up(outcome, seeds=2, quick=True)
    page = report.as_markdown(bench)
    assert "| quick | 1 | 1.00 s | 2.00 x SLOWER | 50.0 % | 90.00 ± 0.00 % |" in page
    assert "| slow | 1 | 3.00 s | 1.50 x as fast |" in page
    assert "| Absent | 1 | not installed |" in page
    assert "| broken | 1 | failed |" in page
    assert "broken, 1 thread, failed: its process ended" in page
    assert "OPENBLAS_CORETYPE=Old" in page
    assert "| X | as fast as slow >= 2 x | 1.50 x | missed |" in page
    assert "| X | as fast as Absent >= 2 x | Absent, 1 thread: not installed | not measured |" in page
    assert "therefore not measured: torch" in page
    assert report.QUICK_NOTE in page
    figure = picture.picture(bench)
    written = [text.get_text() for text in figure.axes[0].texts]
    assert written == ["500 ms / epoch, 0.25 x fastmlp's", "1.00 s / epoch, 0.50 x fastmlp's", "2.00 s / epoch",
                       "3.00 s / epoch, 1.50 x fastmlp's", "not installed", "failed: its process ended"]  # fmt: skip
    save(figure, tmp_path / "bench.png")
    assert (tmp_path / "bench.png").read_bytes().startswith(b"\x89PNG")


def test_start_compiles_first_and_then_finds_the_cache(monkeypatch, tmp_path):
    log = tmp_path / "log"
    program = f"import os; print(os.environ['NUMBA_CACHE_DIR'], file=open({str(log)!r}, 'a'))"
    monkeypatch.setattr(start_and_memory, "FIRST_MODEL", program)
    monkeypatch.setattr(start_and_memory, "COMPILE_EVERYTHING", ["-c", program])
    monkeypatch.setattr(start_and_memory, "FIRST_FIT", f"{program}; print(7.0)")
    monkeypatch.setattr(start_and_memory, "FIRST_XOR", f"{program}; print(0.5)")
    outcome = Start(limits=Limits(warm=100, fit=8, xor=0.1, cold=0)).measure(Effort(1, quick=True), lambda what: None)
    of_fit, of_xor, *of_all = log.read_text().split()
    assert len(of_all) == 4
    assert len({of_fit, of_xor, *of_all} - {os.environ["NUMBA_CACHE_DIR"]}) == 3
    assert [claim.measured for claim in outcome.claims[1:3]] == [7.0, 0.5]
    assert [claim.verdict for claim in outcome.claims] == ["met", "met", "missed", "missed"]


def test_memory_is_measured_where_the_system_tells():
    (claimed,) = Memory(megabytes=1.0).measure(Effort(1, quick=True), lambda what: None).claims
    if not os.path.exists("/proc/self/status"):
        assert (claimed.measured, claimed.verdict) == (None, "not measured")
        return
    mapped, as_float32 = 60_000 * 784 / 1e6, 4 * 60_000 * 784 / 1e6
    assert mapped < claimed.measured < as_float32  # every page of the file is read, but the images are never converted as a whole
    assert claimed.verdict == "missed"


def test_the_command_writes_what_was_measured(monkeypatch, tmp_path):
    outcome = outcome_of([2.0, 2.0], slow=[3.0, 3.0])
    monkeypatch.setattr(report, "run", lambda console, keys, seeds, quick: made_up(outcome, seeds, quick))
    monkeypatch.chdir(tmp_path)
    files = ["--markdown", "b.md", "--json", "b.json", "--plot", "b.png"]
    result = CliRunner().invoke(main, ["bench", "--only", "sgd", "--seeds", "3", "--quick", *files])
    assert result.exit_code == 0, result.output
    assert {path.name for path in tmp_path.iterdir()} == {"b.md", "b.json", "b.png"}
    figures = json.loads((tmp_path / "b.json").read_text())
    assert figures["conditions"] == {"seeds": 3, "quick": True, "absent": ["torch"]}
    assert figures["outcomes"][0]["entries"][1]["times_fastmlp"] == 1.5
    assert (tmp_path / "b.md").read_text().startswith("# fastmlp bench\n")


@pytest.mark.parametrize("arguments", [["--only", "nothing"], ["--seeds", "0"], ["--markdown", "b.txt"], ["--plot", "no/b.png"]])
def test_bad_options_are_refused_at_once(monkeypatch, tmp_path, arguments):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(report, "run", lambda *_: pytest.fail("measured before the arguments were checked"))
    result = CliRunner().invoke(main, ["bench", *arguments])
    assert result.exit_code == 2
    assert arguments[0].strip("-") in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_unknown_sections_are_refused():
    with pytest.raises(ValueError, match=r"only: expected one of 'sgd'.*got 'nothing'"):
        report.run(Console(), only=["nothing"])
    with pytest.raises(ValueError, match="seeds"):
        report.run(Console(), only=["start"], seeds=0)
