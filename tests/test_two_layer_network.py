"""The document's network in plain NumPy: the document's figures, the reference's gradients, and the errors of the published one."""

import ast
import inspect

import numpy as np
import pytest
from numba import njit
from numpy.testing import assert_allclose, assert_array_equal

import fastmlp
from fastmlp import reference
from fastmlp.two_layer import network
from fastmlp.two_layer.as_published import backward_as_published
from tests.two_layer import GRADIENTS, W1, W2, X, Y, problem, slopes

SHAPES = [(4, 2, 3, 1), (1, 1, 1, 1), (7, 3, 5, 4), (30, 6, 2, 3)]
MOST_LINES = 60  # lines of code that a student can read in one sitting


def arguments(shape, dtype=np.float64):
    """Draw seeded arguments of a gradient."""
    X, y, w1, w2 = problem(*shape, dtype)
    act_hidden, y_hat = network.forward_pass(X, w1, w2)
    return X, y, y_hat, act_hidden, w2


def lines_of_code(module):
    """Count the lines of a module that contain code: not docstrings, comments and blank lines."""
    tree = ast.parse(inspect.getsource(module))
    docstrings = [node.body[0] for node in ast.walk(tree) if isinstance(node, ast.Module | ast.FunctionDef) and ast.get_docstring(node)]
    prose = {line for node in docstrings for line in range(node.lineno, node.end_lineno + 1)}
    lines = enumerate(inspect.getsource(module).splitlines(), 1)
    return sum(bool(line.partition("#")[0].strip()) and number not in prose for number, line in lines)


def test_a_student_reads_it_in_one_sitting():
    assert 30 < lines_of_code(network) <= MOST_LINES


@pytest.mark.parametrize("gradient", GRADIENTS)
def test_training_reproduces_the_document(golden, gradient):
    recorded = golden["notebook_1"]["runs"]["backward_pass"]
    w1, w2 = np.array(recorded["initial_w1"]), np.array(recorded["initial_w2"])
    end1, end2, epochs, errors = network.train(X, Y, w1, w2, gradient=getattr(network, gradient))
    assert_array_equal(epochs, recorded["epochs"])
    assert_allclose(errors, recorded["errors"], rtol=1e-9)
    assert_allclose(end1, recorded["final_w1"], rtol=1e-7)
    assert_allclose(end2, recorded["final_w2"], rtol=1e-7)
    assert_array_equal(w1, recorded["initial_w1"])  # the caller's weights do not change
    assert_array_equal(w2, recorded["initial_w2"])


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("gradient", GRADIENTS)
def test_gradients_match_the_reference(shape, gradient):
    given = arguments(shape)
    for found, expected in zip(getattr(network, gradient)(*given), reference.backward(*given), strict=True):
        assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("gradient", [*(getattr(network, name) for name in GRADIENTS), backward_as_published])
def test_float32_stays_float32(gradient):
    dL_dw2, dL_dw1, _ = gradient(*arguments((7, 3, 5, 2), np.float32))
    assert dL_dw2.dtype == dL_dw1.dtype == np.float32
    end1, end2, _, errors = network.train(*problem(7, 3, 5, 2, np.float32), epochs=2, gradient=gradient)
    assert end1.dtype == end2.dtype == errors.dtype == np.float32


def test_initial_weights_are_those_of_the_public_function():
    for plain, public in zip(network.initialize_weights(2, 3, 1, np.random.RandomState(56)), (W1, W2), strict=True):
        assert_array_equal(plain, public)


@pytest.mark.parametrize("name", ["sigmoid", "sigmoid_", "dense", "forward_pass", "mse", *GRADIENTS])
def test_public_functions_have_the_names_and_arguments_of_the_plain_ones(name):
    plain, public = getattr(network, name), getattr(fastmlp, name)
    assert (public.__name__, list(inspect.signature(public).parameters)) == (name, list(inspect.signature(plain).parameters))


def test_the_published_gradient_never_learns(golden):
    start, recorded = golden["notebook_1"]["runs"]["backward_pass"], golden["notebook_1"]["runs"]["backward_as_published"]
    w1, w2 = np.array(start["initial_w1"]), np.array(start["initial_w2"])
    end1, end2, _, errors = network.train(X, Y, w1, w2, gradient=backward_as_published)
    assert_allclose(errors, recorded["errors"], rtol=1e-9)
    assert_allclose(end1, recorded["final_w1"], rtol=1e-9)
    assert_allclose(network.forward_pass(X, end1, end2)[1][:, 0], recorded["final_y_hat"], rtol=1e-7)


@pytest.mark.parametrize("shape", [(6, 4, 5, 1), (6, 4, 5, 3)])
def test_erratum_1_the_published_gradient_is_not_the_slope(shape):
    slope2, slope1 = slopes(*problem(*shape))
    dL_dw2, dL_dw1, _ = backward_as_published(*arguments(shape))
    assert_allclose(dL_dw2, slope2, rtol=1e-6, atol=1e-9)
    assert np.abs(dL_dw1 - slope1).max() > 0.1 * np.abs(slope1).max()


def test_erratum_2_the_published_error_is_a_mean_over_the_outputs_too():
    residual = np.array([[1.0, 2.0], [3.0, 4.0]])
    published = backward_as_published(np.ones((2, 1)), np.zeros((2, 2)), residual, np.ones((2, 1)), np.ones((1, 2)))[2]
    assert published == network.mse(residual, np.zeros((2, 2)))[1] / 2 == (5.0 + 25.0) / 8


def test_erratum_3_the_published_gradient_looks_at_the_first_output_only():
    given = [np.array(values) for values in ([[1.0]], [[0.0, 0.0]], [[0.0, 8.0]], [[0.5]], [[1.0, 1.0]])]  # the second output is wrong
    assert backward_as_published(*given)[1].item() == 0.0
    assert network.backward(*given)[1].item() == 8.0 * 0.25


@pytest.mark.parametrize("gradient", GRADIENTS)
def test_the_gradients_compile_as_they_stand(gradient):
    """This is what a student tries first; `backward` multiplies a matrix by a vector."""
    plain, given = getattr(network, gradient), arguments((7, 3, 5, 4))
    for found, expected in zip(njit(plain)(*given), plain(*given), strict=True):
        assert_allclose(found, expected, rtol=1e-12, atol=1e-14)
