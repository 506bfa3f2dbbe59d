"""Parts of the first layer's inputs: each belongs to one thread, which gathers what it needs, and the bits do not depend on them."""

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st

from fastmlp import SGD, Adam, Dense, Dropout, ReLU, Sequential
from fastmlp.kernels.barrier import Team
from fastmlp.kernels.parts import first_part, inputs_of, needed, parts_of, share_of_part
from fastmlp.kernels.products import KC
from tests.problems import assert_same

FORMS = {
    "values": lambda X: X / 255,
    "pixels": lambda X: X.astype(np.uint8),
    "sparse": lambda X: scipy.sparse.csr_array(X / 255),
}


def member(thread, threads):
    return Team(thread, threads, np.zeros(1, np.int64), np.zeros((threads, 8), np.int64), np.zeros(1, np.uint8))


@given(inputs=st.integers(1, 2000), units=st.integers(1, 40), threads=st.integers(1, 9))
def test_every_share_of_every_part_is_one_thread_s_which_gathers_its_inputs(inputs, units, threads):
    parts = parts_of(0, inputs)
    assert [inputs_of(part, 0, inputs) for part in range(parts)] == [(0, first_part(0, inputs)), (first_part(0, inputs), inputs)][:parts]
    taken = np.zeros((parts, units), int)
    for thread in range(threads):
        low, high = needed(inputs, member(thread, threads))
        for part in range(parts):
            first, last = share_of_part(units, 5, part, parts, member(thread, threads))
            taken[part, first:last] += 1
            first_input, last_input = inputs_of(part, 0, inputs)
            assert first == last or low <= first_input < last_input <= high
    assert (taken == 1).all()


@given(inputs=st.integers(KC + 1, 5000))
def test_two_threads_gather_about_half_each(inputs):
    first, second = (needed(inputs, member(thread, 2)) for thread in (0, 1))
    assert first == (0, first_part(0, inputs))
    assert second == (first_part(0, inputs), inputs)
    assert 0.3 < first_part(0, inputs) / inputs < 0.7
    assert (parts_of(1, inputs), inputs_of(0, 1, inputs)) == (1, (0, inputs))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("optimizer", [SGD(0.1), Adam(0.01)])
@pytest.mark.parametrize("hidden", [23, 3])
def test_the_same_bits_for_every_number_of_threads(form, optimizer, hidden):
    """Some inputs are zero in every sample, and some in most samples."""
    rng = np.random.default_rng(0)
    X = rng.integers(256, size=(50, 301)) * (rng.random((50, 301)) < 0.4) * (rng.random(301) < 0.9)
    y = rng.integers(4, size=50)

    def trained(n_threads):
        layers = [Dropout(0.2), Dense(301, hidden), ReLU(), Dense(hidden, 4)]
        model = Sequential(layers, loss="softmax_cross_entropy", dtype="float32")
        losses = model.fit(FORMS[form](X), y, epochs=3, batch_size=21, optimizer=optimizer, n_threads=n_threads).losses
        return model.parameters, losses

    expected = trained(1)
    assert np.isfinite(expected[0]).all()
    for n_threads in (2, 3, 4, 5):
        assert_same(trained(n_threads), expected)
