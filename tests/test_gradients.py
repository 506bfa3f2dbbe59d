"""The registry of what is compared, and the ladder of sizes."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fastmlp import reference
from fastmlp.measure.gradients import GRADIENTS, PUBLISHED, TRAINING
from fastmlp.measure.ladder import LADDER, document_weights, problem


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


@pytest.mark.parametrize(("name", "way"), [(name, way) for name, ways in TRAINING.items() for way in ways])
def test_every_way_to_train_takes_the_same_steps(name, way):
    data = problem(LADDER["iris"])
    run = TRAINING[name][way](*data, 3, 0.05, 2)
    expected = reference.train(*data, epochs=3, learning_rate=0.05, record_every=2)
    assert_array_equal(run.epochs, [0, 2])
    assert_allclose(run.errors, expected.errors, rtol=1e-12)
    assert_allclose(run.w1, expected.w1, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(("name", "way"), [(name, way) for name, ways in GRADIENTS.items() for way in ways])
def test_the_registry_names_what_it_holds(name, way):
    assert GRADIENTS[name][way].__name__ == name
    X, y, w1, w2 = problem(LADDER["iris"])
    act_hidden, y_hat = reference.forward_pass(X, w1, w2)
    arguments = X, y, y_hat, act_hidden, w2
    for found, expected in zip(GRADIENTS[name][way](*arguments), reference.backward(*arguments), strict=True):
        assert_allclose(found, expected, rtol=1e-10, atol=1e-12)
    assert PUBLISHED not in GRADIENTS[name].values()
