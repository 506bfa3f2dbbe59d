"""The notebook in NumPy: the document's figures, the reference's gradients, and the mistakes of the published one."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fastmlp import reference
from fastmlp.measure import numpy_two_layer as notebook
from fastmlp.measure.gradients import GRADIENTS, PUBLISHED, TRAINING
from fastmlp.measure.ladder import LADDER, document_weights, problem

SHAPES = [(4, 2, 3, 1), (1, 1, 1, 1), (7, 3, 5, 4), (30, 6, 2, 3)]


def draw(shape, dtype=np.float64):
    """Seeded arguments of a gradient."""
    N, I, H, O = shape
    rng = np.random.default_rng(shape)
    X, y, w1, w2 = (rng.normal(size=size).astype(dtype) for size in ((N, I), (N, O), (I, H), (H, O)))
    act_hidden, y_hat = notebook.forward_pass(X, w1, w2)
    return X, y, y_hat, act_hidden, w2


@pytest.mark.parametrize("gradient", ["backward", "backward_faster", "backward_pass"])
def test_training_reproduces_the_document(golden, gradient):
    recorded = golden["notebook_1"]["runs"]["backward_pass"]
    X, y, *_ = problem(LADDER["XOR"])
    w1, w2 = np.array(recorded["initial_w1"]), np.array(recorded["initial_w2"])
    end1, end2, epochs, errors = notebook.train(X, y, w1, w2, gradient=getattr(notebook, gradient))
    assert_array_equal(epochs, recorded["epochs"])
    assert_allclose(errors, recorded["errors"], rtol=1e-9)
    assert_allclose(end1, recorded["final_w1"], rtol=1e-7)
    assert_allclose(end2, recorded["final_w2"], rtol=1e-7)
    assert_array_equal(w1, recorded["initial_w1"])  # the caller's weights stay


def test_the_published_gradient_never_learns(golden):
    recorded = golden["notebook_1"]["runs"]["backward_as_published"]
    X, y, w1, w2 = problem(LADDER["XOR"])
    end1, end2, _, errors = notebook.train(X, y, w1, w2, gradient=notebook.backward_as_published)
    assert_allclose(errors, recorded["errors"], rtol=1e-9)
    assert_allclose(notebook.forward_pass(X, end1, end2)[1][:, 0], recorded["final_y_hat"], rtol=1e-7)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("gradient", ["backward", "backward_faster", "backward_pass"])
def test_gradients_match_the_reference(shape, gradient):
    arguments = draw(shape)
    for found, expected in zip(getattr(notebook, gradient)(*arguments), reference.backward(*arguments), strict=True):
        assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_published_gradient_has_its_errata(shape):
    arguments = draw(shape)
    for found, expected in zip(PUBLISHED(*arguments), reference.backward_as_published(*arguments), strict=True):
        assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("gradient", ["backward", "backward_faster", "backward_pass", "backward_as_published"])
def test_float32_stays_float32(gradient):
    dL_dw2, dL_dw1, _ = getattr(notebook, gradient)(*draw((7, 3, 5, 2), np.float32))
    assert dL_dw2.dtype == dL_dw1.dtype == np.float32


def test_the_document_starts_from_the_second_draw(golden):
    recorded = golden["notebook_1"]["runs"]["backward_pass"]
    w1, w2 = document_weights()
    assert_array_equal(w1, recorded["initial_w1"])
    assert_array_equal(w2, recorded["initial_w2"])
    assert [w.shape for w in document_weights(7)] == [(2, 7), (7, 1)]


def test_the_ladder_climbs_and_its_problems_are_seeded():
    work = [N * H * (I + O) for N, I, H, O in LADDER.values()]
    assert work == sorted(work)
    assert LADDER["XOR"] == (4, 2, 3, 1)
    assert next(reversed(LADDER.values())) == (4096, 784, 256, 10)
    for once, again in zip(problem(LADDER["iris"]), problem(LADDER["iris"]), strict=True):
        assert_array_equal(once, again)
    assert not np.array_equal(problem(LADDER["iris"])[0], problem(LADDER["iris"], seed=1)[0])


@pytest.mark.kernels
@pytest.mark.parametrize(("name", "way"), [(name, way) for name, ways in TRAINING.items() for way in ways])
def test_every_way_to_train_takes_the_same_steps(name, way):
    data = problem(LADDER["iris"])
    run = TRAINING[name][way](*data, 3, 0.05, 2)
    expected = reference.train(*data[:2], epochs=3, learning_rate=0.05, w1=data[2], w2=data[3], record_every=2)
    assert_array_equal(run.epochs, [0, 2])
    assert_allclose(run.errors, expected.errors, rtol=1e-12)
    assert_allclose(run.w1, expected.w1, rtol=1e-12, atol=1e-14)


@pytest.mark.kernels
@pytest.mark.parametrize(("name", "way"), [(name, way) for name, ways in GRADIENTS.items() for way in ways])
def test_the_registry_names_what_it_holds(name, way):
    assert GRADIENTS[name][way].__name__ == name
    arguments = draw((7, 3, 5, 4))
    for found, expected in zip(GRADIENTS[name][way](*arguments), reference.backward(*arguments), strict=True):
        assert_allclose(found, expected, rtol=1e-10, atol=1e-12)
