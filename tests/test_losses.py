"""Losses: value, delta and weights of the kernels against the reference and PyTorch's figures; the public functions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from fastmlp import binary_cross_entropy, cross_entropy, reference, softmax
from fastmlp.engine.losses import as_kernel_loss, as_loss
from fastmlp.kernels import losses
from fastmlp.kernels.losses import LOSSES
from fastmlp.kernels.vectors import lanes
from fastmlp.kernels.views import Block
from fastmlp.model.losses import LINKS, SAMPLE_LOSSES
from tests.problems import RECORDED, targets_of

DTYPES = [np.float32, np.float64]
FROM_LOGITS = ("softmax_cross_entropy", "binary_cross_entropy", "poisson")


def problem(loss, N, O, dtype):
    """Draw seeded outputs, targets that suit the loss, weights, and slopes of the output activation."""
    rng = np.random.default_rng([N, O])
    z, t = 2 * rng.normal(size=(N, O)), targets_of(loss, rng, N, O)
    slope = np.ones((N, O)) if loss in FROM_LOGITS else rng.uniform(0.1, 1, size=(N, O))
    return tuple(array.astype(dtype) for array in (z, t, rng.integers(0, 4, size=N), slope))


def in_lanes(array, B):
    """Store one sample per lane in a flat array, and repeat the last sample."""
    return np.pad(array.T, [(0, 0)] * (array.ndim - 1) + [(0, B - len(array))], mode="edge").ravel()


def losses_and_deltas(loss, z, t, weight, slope):
    """Return the kernel's loss (N,) and delta (N, O), of a named loss or a Quantile; z and delta start at an offset, as in a workspace."""
    (N, O), V = z.shape, lanes(z.dtype)
    B = -(-N // V) * V
    flat_z, delta = (np.concatenate([np.full(V, np.nan, z.dtype), in_lanes(array, B)]) for array in (z, slope))
    scores = losses.Scores(in_lanes(weight, B), np.full(B, np.nan, z.dtype), np.zeros(B, z.dtype))
    losses.losses_and_deltas(
        as_kernel_loss(as_loss(loss), O), Block(delta, V, B, 1, B), Block(flat_z, V, B, 1, B), in_lanes(t, B), scores, O, 0, B
    )
    assert np.isnan(delta[:V]).all()
    return scores.loss[:N], delta[V:].reshape(O, B).T[:N]


def test_the_same_losses_are_here_and_in_the_reference():
    assert list(LOSSES) == list(reference.LOSSES)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loss", LOSSES)
@given(N=st.integers(1, 40), O=st.integers(1, 40))
def test_losses_and_deltas_match_the_reference(loss, dtype, N, O):
    z, t, weight, slope = problem(loss, N, O, dtype)
    value, delta = losses_and_deltas(loss, z, t, weight, slope)
    wide_z, wide_t, wide_weight, wide_slope = (array.astype(np.float64) for array in (z, t, weight, slope))
    of, of_ = reference.LOSSES[loss]
    unit = np.finfo(dtype).eps * (8 + np.abs(wide_z).max() + np.abs(wide_t).max())
    scale = wide_weight * (1 + np.abs(wide_z) + np.abs(wide_t) + np.exp(wide_z) * (loss == "poisson")).sum(axis=1)
    assert np.all(np.abs(value - wide_weight * of(wide_z, wide_t)) <= unit * scale)
    expected = wide_weight[:, None] * of_(wide_z, wide_t) * wide_slope
    assert np.all(np.abs(delta - expected) <= unit * scale[:, None])


@pytest.mark.parametrize("loss", LOSSES)
def test_deltas_are_central_differences_of_the_losses(loss):
    z, t, weight, slope = problem(loss, 5, 3, np.float64)
    slopes = reference.central_differences(lambda v: float(losses_and_deltas(loss, v, t, weight, slope)[0].sum()), z)
    assert_allclose(losses_and_deltas(loss, z, t, weight, np.ones_like(z))[1], slopes, rtol=0, atol=1e-8)


@pytest.mark.parametrize("loss", RECORDED["losses"])
def test_pytorch_agrees(loss):
    z, recorded = np.array(RECORDED["outputs"]), RECORDED["losses"][loss]
    t = np.array(recorded["t"])
    of, of_ = reference.LOSSES[loss]
    for value, delta in [(of(z, t), of_(z, t)), losses_and_deltas(loss, z, t, np.ones(2), np.ones((2, 3)))]:
        assert_allclose(value, recorded["values"], rtol=1e-13)
        assert_allclose(delta, recorded["slopes"], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loss", LOSSES)
def test_nan_is_seen_in_its_sample_only(loss, dtype):
    for place in [(0, 0), (3, 1), (16, 2)]:
        z, t, _, slope = problem(loss, 17, 3, dtype)
        z[place] = np.nan
        value, delta = losses_and_deltas(loss, z, t, np.ones(17, dtype), slope)
        wrong = np.arange(17) == place[0]
        assert_array_equal(np.isnan(value), wrong)
        assert_array_equal(np.isnan(delta).any(axis=1), wrong)


@pytest.mark.parametrize("dtype", DTYPES)
def test_logits_of_any_size_give_finite_losses(dtype):
    z = np.array([[1e4, 0.0], [-1e4, 1e4], [0.0, 1e4]], dtype)
    t = np.array([[0, 1], [1, 0], [0, 1]], dtype)
    one = np.ones(3, dtype)
    value, delta = losses_and_deltas("softmax_cross_entropy", z, t, one, np.ones_like(z))
    assert_array_equal(value, [1e4, 2e4, 0])
    assert_array_equal(delta, [[1, -1], [-1, 1], [0, 0]])
    value, delta = losses_and_deltas("binary_cross_entropy", z[:, 1:], t[:, 1:], one, np.ones((3, 1), dtype))
    assert_allclose(value, [np.log(2), 1e4, 0], rtol=4 * np.finfo(dtype).eps)
    assert_allclose(delta, [[-0.5], [1], [0]], rtol=4 * np.finfo(dtype).eps)


def test_lanes_outside_the_share_stay_as_they_are():
    V = lanes(np.float64)
    for loss in LOSSES:
        loss_of, delta, ones = np.full(3 * V, 7.0), np.full(3 * V, 7.0), np.ones(3 * V)
        scores = losses.Scores(ones, loss_of, np.zeros(3 * V))
        output, deltas = (Block(array, 0, 3 * V, 1, 3 * V) for array in (np.full(3 * V, 0.5), delta))
        losses.losses_and_deltas(as_kernel_loss(as_loss(loss), 1), deltas, output, ones, scores, 1, V, 2 * V)
        for array in (loss_of, delta):
            assert_array_equal(array != 7, np.arange(3 * V) // V == 1)


@pytest.mark.parametrize("dtype", DTYPES)
@given(N=st.integers(1, 40), O=st.integers(1, 12))
def test_hits_are_equal_places_of_the_largest_or_equal_sides_and_count_as_the_samples_do(dtype, N, O):
    rng = np.random.default_rng([N, O])
    V = lanes(dtype)
    B = -(-N // V) * V
    z, t = (rng.integers(-2, 3, size=(N, O)).astype(dtype) for _ in range(2))  # with ties, of which the first counts, as in argmax
    for name, expected in (
        ("softmax_cross_entropy", z.argmax(axis=1) == t.argmax(axis=1)),
        ("binary_cross_entropy", ((z > 0) == (t > 0.5)).all(axis=1)),
    ):
        weight = rng.integers(0, 4, size=B).astype(dtype)
        scores = losses.Scores(weight, np.zeros(B, dtype), np.full(B, np.nan, dtype))
        losses.mark_hits(losses.LOSSES[name], Block(in_lanes(z, B), 0, B, 1, B), in_lanes(t, B), scores, O, 0, B)
        assert_array_equal(scores.hit[:N], expected * weight[:N])


def test_softmax_of_the_document(golden):
    for function in (softmax, reference.softmax):
        assert_allclose(function([2, 4, 6, 8]), golden["notebook_2"]["softmax_2_4_6_8"], rtol=1e-14)


def test_erratum_5_softmax_is_by_rows():
    z = np.array([[2.0, 4.0, 6.0, 8.0], [1000.0, 0.0, -1000.0, 1000.0]])
    assert_allclose(softmax(z).sum(axis=1), [1, 1], rtol=1e-15)
    assert_allclose(softmax(z), reference.softmax(z), rtol=1e-12)
    assert_allclose(softmax(z[0]), softmax(z)[0], rtol=0)
    assert softmax(z.astype(np.float32)).dtype == np.float32


def test_erratum_6_large_logits_do_not_overflow():
    assert cross_entropy([[1e5, 0.0], [0.0, 1e5]], [[0, 1], [0, 1]]) == 5e4
    assert binary_cross_entropy([[-1e5], [1e5]], [[1], [1]]) == 5e4


@pytest.mark.parametrize("loss", LOSSES)
def test_losses_of_samples_match_the_reference(loss):
    assert list(SAMPLE_LOSSES) == list(LOSSES)
    z, t, _, _ = problem(loss, 40, 3, np.float64)
    assert_allclose(SAMPLE_LOSSES[loss](z, t), reference.LOSSES[loss][0](z, t), rtol=1e-12)
    if loss == "softmax_cross_entropy":
        classes = np.arange(40) % 3
        assert_allclose(SAMPLE_LOSSES[loss](z, classes), SAMPLE_LOSSES[loss](z, np.eye(3)[classes]), rtol=1e-13)
        large = np.array([[1e5, 0.0], [0.0, 1e5]])
        assert_array_equal(SAMPLE_LOSSES[loss](large, np.array([1, 1])), [1e5, 0])


def test_links_take_outputs_to_the_scale_of_their_targets():
    z = np.random.default_rng(0).normal(size=(9, 4))
    expected = {"softmax_cross_entropy": reference.softmax(z), "binary_cross_entropy": reference.sigmoid(z), "poisson": np.exp(z)}
    assert list(LINKS) == list(expected)
    for loss, value in expected.items():
        for outputs in (z, z.astype(np.float32), np.asfortranarray(z)):
            assert LINKS[loss](outputs).dtype == outputs.dtype
            assert_allclose(LINKS[loss](outputs), value, rtol=16 * np.finfo(outputs.dtype).eps)


def test_cross_entropies_match_the_reference():
    rng = np.random.default_rng(0)
    z, t = rng.normal(size=(9, 4)), rng.dirichlet(np.ones(4), size=9)
    assert cross_entropy(z, t) == pytest.approx(reference.cross_entropy(z, t), rel=1e-14)
    assert cross_entropy(z, t) == pytest.approx(-np.mean(np.sum(t * np.log(softmax(z)), axis=1)), rel=1e-14)
    assert binary_cross_entropy(z, t) == pytest.approx(reference.binary_cross_entropy(z, t), rel=1e-14)
    p = 1 / (1 + np.exp(-z))
    assert binary_cross_entropy(z, t) == pytest.approx(-np.mean(np.sum(t * np.log(p) + (1 - t) * np.log(1 - p), axis=1)), rel=1e-13)


@pytest.mark.parametrize("function", [cross_entropy, binary_cross_entropy])
@pytest.mark.parametrize(
    ("logits", "targets", "error", "message"),
    [
        ([[1.0, 2.0]], [[1.0]], ValueError, r"targets: .*\(1, 2\), got \(1, 1\)"),
        ([1.0, 2.0], [[1.0, 0.0]], ValueError, r"logits: .*\(2,\)"),
        ([["a"]], [[1.0]], TypeError, "logits: .*<U1"),
        ([[1.0]], [[1j]], TypeError, "targets: .*complex128"),
    ],
)
def test_cross_entropies_name_the_bad_argument(function, logits, targets, error, message):
    with pytest.raises(error, match=message):
        function(logits, targets)


@pytest.mark.parametrize(("z", "error"), [(np.zeros((2, 2, 2)), ValueError), ([], ValueError), (1.0, ValueError), ("a", TypeError)])
def test_softmax_names_the_bad_argument(z, error):
    with pytest.raises(error, match="z: "):
        softmax(z)
