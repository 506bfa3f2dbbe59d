"""How profiles are shown: the picture, the table in notebooks, the command with its files, and that Ctrl-C leaves nothing behind."""

from html.parser import HTMLParser

import pytest
from click.testing import CliRunner
from matplotlib.figure import Figure
from matplotlib.text import Text

from fastmlp import plotting
from fastmlp.cli.commands import main
from fastmlp.measure.profile import Phase, Profile
from tests.children import interrupted, python

BANDWIDTH = {"L1": 200.0, "L2": 110.0, "L3": 100.0, "memory": 25.0}


def made(layers=2, threads=2, cpu="a CPU"):
    """Make a profile of a network of `layers` layers and 1000 steps: products at 20 to 90 GFLOP/s and one small phase per layer."""
    phases = [Phase("gather", 0, 1000, (0.2,) * threads, 0, 10**9)]
    for kind, first in (("product", 1), ("delta", 1), ("update", 1)):
        for layer in range(first, layers + (kind != "delta")):
            seconds = 0.5 / layer
            operations = round((20 + 70 * layer / layers) * 1e9 * seconds)
            phases.append(Phase(kind, layer, 1000, (seconds,) * threads, operations, operations // (2 + layer)))
    phases += [Phase("biases", layer, 1000, (0.001,) * threads, 0, 10**6) for layer in range(1, layers + 1)]
    phases += [Phase("barrier", 0, 1000, (0.3,) * threads, 0, 0)]
    seconds = sum(phase.mean_seconds for phase in phases)
    return Profile(
        sizes=(784, *[100] * (layers - 1), 10), dtype="float32", optimizer="SGD", batch_size=64, threads=threads, samples=64000, epochs=1,
        steps=1000, pixels=False, fit_seconds=seconds * 1.1, compiled_seconds=(seconds,) * threads, phases=tuple(phases), peak_gflops=100.0,
        bandwidth=BANDWIDTH, laps=(), machine={"cpu": cpu, "cores": 2},
    )  # fmt: skip


def drawn(taken):
    figure = plotting.profile_report(taken)
    figure.draw_without_rendering()
    return figure


def test_the_roofline_has_every_roof_and_a_point_for_each_phase_that_computes():
    taken = made()
    roofs, _ = drawn(taken).axes
    texts = [text.get_text() for text in roofs.texts]
    assert [text.strip() for text in texts[:5]] == [
        "2 cores: 200 GFLOP/s",
        *(f"{name}: {rate:.0f} GB/s" for name, rate in BANDWIDTH.items()),
    ]
    computing = [phase for phase in taken.phases if phase.operations]
    assert {text.partition(",")[0] for text in texts[5:]} == {phase.name for phase in computing}
    points = {tuple(offset): points.get_sizes()[0] for points in roofs.collections for offset in points.get_offsets()}
    assert points.keys() == {(phase.intensity, phase.gflops) for phase in computing}
    large, small = (next(phase for phase in computing if phase.name == name) for name in ("product 1", "product 2"))
    areas = [points[phase.intensity, phase.gflops] for phase in (large, small)]
    assert areas[0] / areas[1] == pytest.approx(taken.share(large) / taken.share(small))
    for line, rate in zip(roofs.lines[1:], BANDWIDTH.values(), strict=True):
        assert line.get_ydata() == pytest.approx([x * rate for x in line.get_xdata()])
        assert line.get_ydata()[-1] == pytest.approx(200)


def test_the_bar_of_the_step_has_every_phase_behind_the_one_before():
    taken = made()
    _, step = drawn(taken).axes
    names = [label.get_text() for label in step.get_yticklabels()]
    assert names == [phase.name for phase in taken.phases if phase.kind != "biases"] + ["2 others"]
    ends = 0.0
    for bar in step.patches:
        assert bar.get_x() == pytest.approx(ends)
        ends += bar.get_width()
    assert ends == pytest.approx(1)
    assert step.get_title(loc="left") == f"A step: {taken.phase_seconds:.2f} ms, phase by phase"


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("layers", [1, 2, 3, 9])
def test_names_do_not_overlap(layers, threads):
    for axes in drawn(made(layers, threads)).axes:
        texts = [text for text in (*axes.texts, *axes.get_yticklabels()) if not text.get_rotation()]
        boxes = [Text.get_window_extent(text) for text in texts]  # that of the text alone, for annotations with a line
        assert len(boxes) > 1
        assert not any(one.overlaps(other) for n, one in enumerate(boxes) for other in boxes[:n])


def test_a_profile_draws_itself_in_a_figure_or_as_a_panel():
    assert len(made().plot().axes) == 2
    figure = Figure()
    first, second = figure.subplots(1, 2)
    assert made().plot(second) is figure
    assert (len(first.collections), len(second.collections)) == (0, 5)
    for function in (plotting.roofline, plotting.step_bar):
        assert len(function(made()).axes) == 1


def test_a_profile_without_matplotlib_says_what_brings_it():
    program = """
import sys
sys.modules["matplotlib"] = None
from fastmlp.measure.profile import Profile
try:
    Profile.plot(None)
except ImportError as error:
    print(error)
"""
    assert "Profile.plot needs matplotlib, which is not installed" in python(program).stdout


class Tags(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.open, self.seen, self.text = [], set(), ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.open.append(tag)
        self.seen.add(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        self.text += text


def test_a_notebook_shows_the_table_in_the_colours_of_its_page():
    html = made(cpu="<script>alert('[red]')</script> & co")._repr_html_()
    page = Tags(html)
    assert (page.open, page.seen) == ([], {"pre", "span"})
    assert "<script>alert('[red]')</script> & co, 2 of 2 cores, 100 GFLOP/s per core" in page.text
    for phase in made().phases:
        assert f"\n{phase.name} " in page.text
    assert "of the time is spent on the products of layer 1 (784 x 100)" in page.text.replace("\n", " ")
    assert "color: #" not in html


def test_the_command_draws(tmp_path):
    pytest.importorskip("sklearn")
    arguments = ["profile", "--epochs", "2", "--hidden", "20", "--plot", str(tmp_path / "p.svg"), "--json", str(tmp_path / "p.json")]
    done = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert (tmp_path / "p.svg").read_bytes().startswith(b"<?xml")
    assert done.output.endswith(f"Wrote {tmp_path / 'p.json'}\nWrote {tmp_path / 'p.svg'}\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--plot", "p.txt"], "expected a name that ends in .png or .svg or .pdf"),
        (["--plot", "no/p.png"], "cannot be written"),
        (["--epochs", "0"], "0 is not in the range"),
        (["--threads", "0"], "0 is not in the range"),
        (["--hidden", "0"], "--hidden"),
    ],
)
def test_options_that_do_not_fit_are_refused_at_once(arguments, message):
    done = CliRunner().invoke(main, ["profile", *arguments])
    assert done.exit_code == 2
    assert message in done.output
    assert "Traceback" not in done.output


# Ctrl-C comes when a compiled call with this many epochs begins: the call that compiles has none, a training has some.
INTERRUPTED = """
import sys
from fastmlp.cli.commands import main
from fastmlp.engine.run import Run

epochs = Run.epochs

def interrupting(self, *arguments, **options):
    if (len(arguments[3]) > 0) == (sys.argv[1] == "training"):
        ctrl_c()
    return epochs(self, *arguments, **options)

Run.epochs = interrupting
main(["profile", "--epochs", "1000000", "--threads", sys.argv[2], "--json", sys.argv[3], "--trace", sys.argv[4], "--plot", sys.argv[5]])
"""


@pytest.mark.parametrize(("when", "threads"), [("compiling", 1), ("training", 1), ("training", 2)])
def test_an_interrupted_command_leaves_no_file_and_says_so(when, threads, tmp_path):
    pytest.importorskip("sklearn")
    old = tmp_path / "old.json"
    old.write_text("{}")
    done = interrupted(INTERRUPTED, when, threads, old, tmp_path / "t.json", tmp_path / "p.png")
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "Interrupted\n")
    assert list(tmp_path.iterdir()) == [old]
    assert old.read_text() == "{}"
