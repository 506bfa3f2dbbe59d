"""The oracle against the document's recorded figures and against itself: a test is worth no more than what it compares with."""

import ast
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import fastmlp
from fastmlp import reference

X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
Y = np.array([[0.0], [1.0], [1.0], [0.0]])
GRADIENTS = ["backward", "backward_faster", "backward_pass", "fused"]


def gradients_and_slopes(gradient, outputs):
    """(dL_dw2, dL_dw1) of `gradient` and by central differences, on a seeded problem."""
    rng = np.random.default_rng(outputs)
    X, y = rng.normal(size=(6, 4)), rng.normal(size=(6, outputs))
    w1, w2 = rng.normal(size=(4, 5)), rng.normal(size=(5, outputs))
    act_hidden, y_hat = reference.forward_pass(X, w1, w2)
    dL_dw2, dL_dw1, _ = reference.GRADIENTS[gradient](X, y, y_hat, act_hidden, w2)
    slope2 = reference.central_differences(lambda w: reference.mse(reference.forward_pass(X, w1, w)[1], y)[1], w2)
    slope1 = reference.central_differences(lambda w: reference.mse(reference.forward_pass(X, w, w2)[1], y)[1], w1)
    return (dL_dw2, slope2), (dL_dw1, slope1)


def test_nothing_imports_the_reference_and_it_imports_only_numpy():
    package = Path(fastmlp.__path__[0])
    for file in package.rglob("*.py"):
        imported = set()
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported |= {f"{'.' * node.level}{node.module or ''}"} | {alias.name for alias in node.names}
        if file.name == "reference.py":
            assert not [name for name in imported if "fastmlp" in name or name.startswith(".")]
        else:
            assert not [name for name in imported if name.split(".")[-1] == "reference"], file


def test_initialize_weights_draws_the_documents_weights(golden):
    generator = np.random.RandomState(56)
    first, second = reference.initialize_weights(2, 3, 1, generator), reference.initialize_weights(2, 3, 1, generator)
    for drawn, recorded in zip(first, golden["notebook_1"]["runs"]["first_draw_w1_w2"], strict=True):
        assert_array_equal(drawn, recorded)
    run = golden["notebook_1"]["runs"]["backward_pass"]
    assert_array_equal(second[0], run["initial_w1"])
    assert_array_equal(second[1], run["initial_w2"])


def test_first_step_of_the_document(golden):
    run = golden["notebook_1"]["runs"]["backward_pass"]
    act_hidden, y_hat = reference.forward_pass(X, run["initial_w1"], run["initial_w2"])
    assert_allclose(act_hidden, run["first_act_hidden"], rtol=1e-15)
    assert_allclose(y_hat, run["first_y_hat"], rtol=1e-15)
    dL_dw2, dL_dw1, error = reference.backward(X, Y, y_hat, act_hidden, run["initial_w2"])
    assert_allclose(dL_dw2, run["first_dw2"], rtol=1e-14)
    assert_allclose(dL_dw1, run["first_dw1"], rtol=1e-14)
    assert error == pytest.approx(run["errors"][0], rel=1e-14)


@pytest.mark.parametrize("gradient", ["backward_pass", "backward_as_published"])
def test_training_reproduces_the_document(golden, gradient):
    start, recorded = golden["notebook_1"]["runs"]["backward_pass"], golden["notebook_1"]["runs"][gradient]
    run = reference.train(X, Y, gradient=gradient, w1=start["initial_w1"], w2=start["initial_w2"])
    assert_array_equal(run.epochs, recorded["epochs"])
    assert_allclose(run.errors, recorded["errors"], rtol=1e-11)
    assert_allclose(run.w1, recorded["final_w1"], rtol=1e-12)
    assert_allclose(run.w2, recorded["final_w2"], rtol=1e-12)
    assert_allclose(reference.forward_pass(X, run.w1, run.w2)[1][:, 0], recorded["final_y_hat"], rtol=1e-11)


def test_decision_regions_of_the_document(golden):
    run = golden["notebook_1"]["runs"]["backward_pass"]
    side = np.linspace(0.0, 1.0, 20)
    grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    y_hat = reference.forward_pass(grid, run["final_w1"], run["final_w2"])[1]
    assert int(np.round(y_hat).sum()) == run["decision_grid_positive"]
    assert_array_equal(np.round(reference.forward_pass(X, run["final_w1"], run["final_w2"])[1][:, 0]), run["predictions"])


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("gradient", GRADIENTS)
def test_gradients_are_the_slope_of_the_error(gradient, outputs):
    for value, slope in gradients_and_slopes(gradient, outputs):
        assert_allclose(value, slope, rtol=1e-7, atol=1e-8 * np.abs(slope).max())


def test_erratum_1_the_published_backward_is_no_gradient():
    (dL_dw2, slope2), (dL_dw1, slope1) = gradients_and_slopes("backward_as_published", outputs=1)
    assert_allclose(dL_dw2, slope2, rtol=1e-7)
    assert np.abs(dL_dw1 - slope1).max() > 0.1 * np.abs(slope1).max()


def test_erratum_2_the_error_is_divided_by_the_samples_alone():
    residual, error = reference.mse([[1.0, 2.0], [3.0, 4.0]], [[0.0, 0.0], [0.0, 0.0]])
    assert_array_equal(residual, [[1.0, 2.0], [3.0, 4.0]])
    assert error == (0.5 * 5.0 + 0.5 * 25.0) / 2
    published = reference.backward_as_published(np.ones((2, 1)), np.zeros((2, 2)), residual, np.ones((2, 1)), np.ones((1, 2)))[2]
    assert published == error / 2


def test_erratum_3_every_output_counts():
    act_hidden, w2 = np.full((1, 1), 0.5), np.ones((1, 2))
    arguments = [[1.0]], [[0.0, 0.0]], [[0.0, 8.0]], act_hidden, w2  # only the second output is wrong
    assert reference.backward(*arguments)[1].item() == 8.0 * 0.25
    assert reference.backward_as_published(*arguments)[1].item() == 0.0


@pytest.mark.parametrize("name", ["published", "simultaneous"])
def test_erratum_4_both_gradients_are_taken_at_one_point(golden, name):
    recorded, rate = golden["notebook_2"][name], golden["notebook_2"]["learning_rate"]
    w1, w2 = np.array(recorded["initial_w1"]), np.array(recorded["initial_w2"])
    for epoch in range(5001):
        act_hidden, y_hat = reference.forward_pass(X, w1, w2)
        if epoch % 5000 == 0:
            assert np.sum(Y - y_hat) == pytest.approx(recorded["error_sums"][epoch // 5000], rel=1e-10)
        dL_dw2, dL_dw1, _ = reference.backward_faster(X, Y, y_hat, act_hidden, w2)
        w2 = w2 - rate * len(X) * dL_dw2
        if name == "published":
            dL_dw1 = reference.backward_faster(X, Y, y_hat, act_hidden, w2)[1]
        w1 = w1 - rate * len(X) * dL_dw1
    assert golden["notebook_2"]["published"]["error_sums"] != golden["notebook_2"]["simultaneous"]["error_sums"]


def test_erratum_10_a_flat_y_is_refused():
    with pytest.raises(ValueError, match=r"y: expected the shape of y_hat, \(4, 1\), got \(4,\)"):
        reference.mse(Y, Y[:, 0])


def test_sum_reduction_scales_error_and_step_by_the_samples(golden):
    start = golden["notebook_2"]["simultaneous"]
    weights = {"w1": np.array(start["initial_w1"]), "w2": np.array(start["initial_w2"])}
    mean = reference.train(X, Y, epochs=20, learning_rate=0.4, record_every=1, **weights)
    total = reference.train(X, Y, epochs=20, learning_rate=0.1, record_every=1, reduction="sum", **weights)
    assert_allclose(total.w1, mean.w1, rtol=1e-12)
    assert_allclose(total.errors, 4 * mean.errors, rtol=1e-12)


def test_sigmoid_and_its_derivative():
    x = np.linspace(-8.0, 8.0, 65)
    s = reference.sigmoid(x)
    assert_allclose(s, 0.5 * (1.0 + np.tanh(x / 2)), rtol=0, atol=1e-15)
    slopes = reference.central_differences(lambda v: float(reference.sigmoid(v).sum()), x)
    assert_allclose(reference.sigmoid_(s), slopes, rtol=0, atol=1e-8)
    assert_array_equal(reference.sigmoid([-np.inf, -1e4, 0.0, 1e4, np.inf, np.nan]), [0.0, 0.0, 0.5, 1.0, 1.0, np.nan])


def test_central_differences_of_a_polynomial():
    w = np.array([[1.0, -2.0], [0.5, 3.0]])
    assert_allclose(reference.central_differences(lambda v: float(np.sum(v**3)), w), 3 * w**2, rtol=1e-8)
