"""The reference against the document's recorded figures and against itself, since other tests rely on it."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fastmlp import reference
from tests.two_layer import X, Y, problem, slopes

pytestmark = pytest.mark.any_cpu


def test_first_step_of_the_document(golden):
    run = golden["notebook_1"]["runs"]["backward_pass"]
    act_hidden, y_hat = reference.forward_pass(X, run["initial_w1"], run["initial_w2"])
    assert_allclose(act_hidden, run["first_act_hidden"], rtol=1e-15)
    assert_allclose(y_hat, run["first_y_hat"], rtol=1e-15)
    dL_dw2, dL_dw1, error = reference.backward(X, Y, y_hat, act_hidden, run["initial_w2"])
    assert_allclose(dL_dw2, run["first_dw2"], rtol=1e-14)
    assert_allclose(dL_dw1, run["first_dw1"], rtol=1e-14)
    assert error == pytest.approx(run["errors"][0], rel=1e-14)


def test_training_reproduces_the_document(golden):
    recorded = golden["notebook_1"]["runs"]["backward_pass"]
    run = reference.train(X, Y, recorded["initial_w1"], recorded["initial_w2"])
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


@pytest.mark.parametrize("shape", [(6, 4, 5, 1), (6, 4, 5, 3)])
def test_the_gradient_is_the_slope_of_the_error(shape):
    X, y, w1, w2 = problem(*shape)
    act_hidden, y_hat = reference.forward_pass(X, w1, w2)
    for value, slope in zip(reference.backward(X, y, y_hat, act_hidden, w2), slopes(X, y, w1, w2), strict=False):
        assert_allclose(value, slope, rtol=1e-7, atol=1e-8 * np.abs(slope).max())


def test_erratum_2_the_error_is_divided_by_the_samples_alone():
    residual, error = reference.mse([[1.0, 2.0], [3.0, 4.0]], [[0.0, 0.0], [0.0, 0.0]])
    assert_array_equal(residual, [[1.0, 2.0], [3.0, 4.0]])
    assert error == (0.5 * 5.0 + 0.5 * 25.0) / 2


def test_erratum_3_every_output_counts():
    arguments = [[1.0]], [[0.0, 0.0]], [[0.0, 8.0]], np.full((1, 1), 0.5), np.ones((1, 2))  # only the second output is wrong
    assert reference.backward(*arguments)[1].item() == 8.0 * 0.25


@pytest.mark.parametrize(("name", "other"), [("published", "simultaneous"), ("simultaneous", "published")])
def test_erratum_4_both_gradients_are_taken_at_one_point(golden, name, other):
    recorded, rate = golden["notebook_2"][name], golden["notebook_2"]["learning_rate"]
    w1, w2 = np.array(recorded["initial_w1"]), np.array(recorded["initial_w2"])
    for epoch in range(5001):
        act_hidden, y_hat = reference.forward_pass(X, w1, w2)
        if epoch % 5000 == 0:
            assert np.sum(Y - y_hat) == pytest.approx(recorded["error_sums"][epoch // 5000], rel=1e-10)
        dL_dw2, dL_dw1, _ = reference.backward(X, Y, y_hat, act_hidden, w2)
        w2 = w2 - rate * len(X) * dL_dw2
        if name == "published":
            dL_dw1 = reference.backward(X, Y, y_hat, act_hidden, w2)[1]
        w1 = w1 - rate * len(X) * dL_dw1
    assert abs(np.sum(Y - y_hat) / golden["notebook_2"][other]["error_sums"][1] - 1) > 1e-3  # the erratum changes the result


def test_erratum_10_a_flat_y_is_refused():
    with pytest.raises(ValueError, match=r"y: expected the shape of y_hat, \(4, 1\), got \(4,\)"):
        reference.mse(Y, Y[:, 0])


def test_sum_reduction_scales_error_and_step_by_the_samples(golden):
    start = golden["notebook_2"]["simultaneous"]
    weights = start["initial_w1"], start["initial_w2"]
    mean = reference.train(X, Y, *weights, epochs=20, learning_rate=0.4, record_every=1)
    total = reference.train(X, Y, *weights, epochs=20, learning_rate=0.1, record_every=1, reduction="sum")
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
