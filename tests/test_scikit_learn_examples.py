"""The script that runs scikit-learn's examples: the import that it changes, what it compares, the pictures, the stand-in data."""

import dataclasses
import hashlib
import io
import json
import tarfile

import numpy as np
import pytest
from PIL import Image

from docs.scikit_learn_examples import source
from docs.scikit_learn_examples.comparing import compare, numbers_and_words, warnings_of
from docs.scikit_learn_examples.data import bike_sharing, fetch_openml
from docs.scikit_learn_examples.picture import GAP_ACROSS, GAP_DOWN, TITLE, side_by_side
from docs.scikit_learn_examples.running import Run, run
from docs.scikit_learn_examples.tables import Row, tables

EXAMPLE = """
from matplotlib import pyplot as plt
from sklearn.datasets import load_iris
from sklearn.neural_network import MLPClassifier

model = MLPClassifier((5,), max_iter=20, random_state=0).fit(*load_iris(return_X_y=True))
print(f"Training set score: {model.score(*load_iris(return_X_y=True)):f}")
plt.plot(model.loss_curve_)
plt.title("loss")
plt.show()
"""
FIGURE = Image.new("RGB", (40, 30), "red")
ONE = Run(1.0, 0.5, [7], [0.25], "score: 0.5, done in 0.31s\n", "", ["loss", "−1"], [np.array([0.0, 2.0])], [FIGURE])


@pytest.mark.any_cpu
def test_only_the_import_is_changed():
    after = source.changed(EXAMPLE)
    changed = source.difference(EXAMPLE, after, "plot_a.py").splitlines()
    assert changed[2:] == ["@@ -4 +4 @@", "-from sklearn.neural_network import MLPClassifier", "+from fastmlp import MLPClassifier"]


@pytest.mark.any_cpu
@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("from sklearn.linear_model import Ridge\n", "nothing to change"),
        ('"""from sklearn.neural_network import MLPClassifier"""\n', "nothing to change"),
        ("from sklearn.neural_network import BernoulliRBM, MLPClassifier\n", "line 1: .* found BernoulliRBM as well"),
    ],
)
def test_what_cannot_be_changed_is_refused(program, message):
    with pytest.raises(ValueError, match=message):
        source.changed(program)


@pytest.mark.any_cpu
def test_examples_are_found(tmp_path):
    (tmp_path / "neural_networks").mkdir()
    (tmp_path / "neural_networks" / "plot_b.py").write_text(EXAMPLE)
    (tmp_path / "plot_c.py").write_text("from sklearn.neural_network import BernoulliRBM\n")
    assert source.using_estimators(tmp_path) == [tmp_path / "neural_networks" / "plot_b.py"]
    with pytest.raises(ValueError, match="found none that imports MLPClassifier or MLPRegressor"):
        source.using_estimators(tmp_path / "absent")


def archive(name: str) -> bytes:
    """Return a source distribution with one file."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as distribution:
        member = tarfile.TarInfo(name)
        member.size = len(EXAMPLE)
        distribution.addfile(member, io.BytesIO(EXAMPLE.encode()))
    return content.getvalue()


@pytest.mark.any_cpu
@pytest.mark.parametrize(
    ("version", "name", "damage", "message"),
    [
        ("1.9.1", "scikit_learn-1.9.1/examples/plot_b.py", b"", None),
        ("9.9", "scikit_learn-1.9.1/examples/plot_b.py", b"", "no source distribution of scikit-learn 9.9"),
        ("1.9.1", "scikit_learn-1.9.1/examples/plot_b.py", b"x", "expected the SHA-256"),
        ("1.9.1", "scikit_learn-1.9.1/sklearn/a.py", b"", "contains no folder"),
        ("1.9.1", "scikit_learn-1.9.1/examples/../../../b.py", b"", "outside the destination"),
    ],
)
def test_download(tmp_path, monkeypatch, version, name, damage, message):
    content, url = archive(name), "https://a.org/b"
    file = {"filename": "scikit_learn-1.9.1.tar.gz", "url": url, "hashes": {"sha256": hashlib.sha256(content).hexdigest()}}
    index = json.dumps({"files": [file]}).encode()
    monkeypatch.setattr(source.urllib.request, "urlopen", lambda asked, timeout: io.BytesIO(content + damage if asked == url else index))
    if message is None:
        found = source.download(version, tmp_path)
        assert (found / "plot_b.py").read_text() == EXAMPLE
    else:
        with pytest.raises((ValueError, tarfile.FilterError), match=message):
            source.download(version, tmp_path)


@pytest.mark.any_cpu
def test_numbers_and_words():
    assert numbers_and_words("x −2: 0.61, done in 3.105s, .5 1e-3") == ([-2, 0.61, 0.5, 1e-3], ["x ", ": ", ", done in , ", " ", ""])


@pytest.mark.any_cpu
def test_runs_are_compared():
    same = compare(ONE, dataclasses.replace(ONE, printed="score: 0.5, done in 2.00s\n"))
    assert dataclasses.astuple(same) == (1, True, 0.0, 0.0, 2, 0, 0.0, 0.0)
    figure = FIGURE.copy()
    figure.paste("blue", (0, 0, 20, 30))
    other = dataclasses.replace(
        ONE, epochs=[8], losses=[0.2], printed="score: 0.25, done in 0.31s\n", predictions=[np.array([0.0, 1.5])], figures=[figure]
    )
    found = compare(ONE, other)
    assert found.loss == pytest.approx(0.2)
    assert not found.same_epochs
    assert (found.prediction, found.different_numbers, found.largest_number, found.different_pixels) == (0.25, 1, 0.25, 0.5)


@pytest.mark.any_cpu
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"printed": "loss: 0.5, done in 0.31s\n"}, "same words"),
        ({"texts": ["loss", "−1", "2"]}, "equally many numbers|same words"),
        ({"predictions": []}, "same models"),
        ({"figures": []}, "same figures"),
    ],
)
def test_runs_that_do_different_things_are_not_compared(changes, message):
    with pytest.raises(ValueError, match=message):
        compare(ONE, dataclasses.replace(ONE, **changes))


@pytest.mark.any_cpu
def test_tables_have_medians_and_scores():
    printed = "".join(f"score: 0.{i}\n" for i in range(6))
    theirs = [dataclasses.replace(ONE, fit_seconds=seconds, printed=printed) for seconds in (9.0, 1.0, 3.0)]
    ours = [dataclasses.replace(ONE, fit_seconds=0.75, seconds=4.0, printed=printed.replace("0.5", "0.7"))] * 3
    lines = tables([Row("plot_a_b", compare(theirs[0], ours[0]), theirs, ours)], 3).splitlines()
    assert "Times are medians of 3 runs." in lines[0]
    assert "| a b | 3.00 s | 0.75 s | 4 | 1.00 s | 4.00 s | 0.25 |" in lines
    assert "| a b | 1 | yes | 0 | 0 | 7 | 1, by up to 0.2 | 0 % |" in lines
    assert lines[-5] == "| a b | score: 0.0 | score: 0.0 |"
    assert lines[-4:-1] == [f"|  | score: 0.{i} | score: 0.{i} |" for i in (1, 2, 3)]
    assert lines[-1] == "| | 2 more | 1 of them the same |"


@pytest.mark.any_cpu
def test_warnings_are_compared_without_their_places():
    lines = "/a/b/c.py:3: ConvergenceWarning: Maximum iterations (5) reached.\n  warnings.warn(\n"
    assert warnings_of(lines) == ["ConvergenceWarning: Maximum iterations (5) reached."]


@pytest.mark.any_cpu
@pytest.mark.parametrize(
    ("size", "second"),
    [((30, 30), (30 + GAP_ACROSS, TITLE)), ((90, 30), (0, TITLE + 30 + GAP_DOWN + TITLE))],
    ids=["beside each other", "wide figures, one above the other"],
)
def test_figures_are_side_by_side(size, second):
    left, right = Image.new("RGB", size, "red"), Image.new("RGB", size, "blue")
    picture = side_by_side([left, right], ["", ""]).convert("RGB")
    assert picture.size == (second[0] + size[0], second[1] + size[1])
    assert picture.getpixel((0, TITLE)) == picture.getpixel((size[0] - 1, TITLE + size[1] - 1)) == (255, 0, 0)
    assert picture.getpixel(second) == picture.getpixel((picture.width - 1, picture.height - 1)) == (0, 0, 255)


@pytest.mark.any_cpu
def test_margins_that_both_figures_have_are_removed():
    figures = [Image.new("RGB", (60, 50), "white") for _ in range(2)]
    figures[0].paste("red", (10, 5, 20, 15))
    figures[1].paste("blue", (15, 8, 30, 25))
    picture = side_by_side(figures, ["", ""]).convert("RGB")
    assert picture.size == (20 + GAP_ACROSS + 20, TITLE + 20)
    assert (picture.getpixel((0, TITLE)), picture.getpixel((20 + GAP_ACROSS + 5, TITLE + 3))) == ((255, 0, 0), (0, 0, 255))


@pytest.mark.any_cpu
def test_pictures_have_titles():
    blank, titled = (side_by_side([FIGURE, FIGURE], titles).convert("L") for titles in (["", ""], ["a", ""]))
    assert np.asarray(blank)[:TITLE].min() == 255
    assert np.asarray(titled)[:TITLE, :40].min() < 100


@pytest.mark.any_cpu
@pytest.mark.parametrize(("figures", "titles"), [([], []), ([FIGURE], ["a", "b"]), ([FIGURE, Image.new("RGB", (3, 3))], ["a", "b"])])
def test_figures_that_do_not_fit_are_refused(figures, titles):
    with pytest.raises(ValueError, match="expected one"):
        side_by_side(figures, titles)


@pytest.mark.any_cpu
def test_bike_sharing_is_of_the_form_that_the_example_expects():
    found = fetch_openml("Bike_Sharing_Demand", version=2, as_frame=True)
    assert found.frame.shape == (17544, 13)
    assert (found.target.dtype, found.target.name, "count" in found.data) == (np.int64, "count", False)
    assert set(found.data.select_dtypes("category")) == {"season", "holiday", "workingday", "weather"}
    assert set(found.data.select_dtypes("float64")) == {"temp", "feel_temp", "humidity", "windspeed"}
    assert set(found.data["weather"]) == {"clear", "misty", "rain", "heavy_rain"}
    assert found.frame.equals(bike_sharing())
    by_hour = found.frame[found.data["workingday"] == "True"].groupby("hour")["count"].mean()
    assert by_hour[8] > 2 * by_hour[11]
    with pytest.raises(ValueError, match="no stand-in for 'iris'"):
        fetch_openml("iris")


def test_an_example_runs_with_both_libraries(tmp_path):
    example = tmp_path / "plot_a.py"
    example.write_text(EXAMPLE)
    theirs = run(example, source.THEIRS)
    example.write_text(source.changed(EXAMPLE))
    ours = run(example, source.OURS)
    agreement = compare(theirs, ours)
    assert (agreement.fits, agreement.same_epochs, agreement.different_numbers) == (1, True, 0)
    assert agreement.loss < 1e-10
    assert agreement.prediction < 1e-10
    assert "loss" in ours.texts
    assert 0 < ours.fit_seconds < ours.seconds
    assert warnings_of(ours.warned) == warnings_of(theirs.warned) != []
    example.write_text("raise KeyError('no such')")
    with pytest.raises(RuntimeError, match=r"(?s)plot_a.py failed with the estimators of sklearn.*no such"):
        run(example, source.THEIRS)
