"""Numbers from outside become plain Python numbers, or errors that name their argument in one line."""

import re
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from fastmlp import SGD, Dense, Dropout, EarlyStopping, Sequential, StepDecay, train
from fastmlp.engine.arguments import FEW, all_finite, check_range, check_real, check_size, largest_size, shown

pytestmark = pytest.mark.any_cpu

BEYOND = 2**70


@pytest.mark.parametrize("value", [3, np.int8(3), np.uint64(3)])
def test_sizes_become_ints(value):
    assert type(check_size("n", value, 1)) is int
    assert check_size("n", value, 3, 3) == 3


@pytest.mark.parametrize("value", [2, Fraction(2), Decimal(2), np.float16(2), np.float32(2), np.longdouble(2), np.int64(2)])
def test_numbers_become_floats(value):
    assert type(check_real("rate", value)) is float
    assert check_real("rate", value) == 2.0
    assert type(check_range("rate", value, 0, 3)) is float


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (True, TypeError, "rate: expected a number, got True"),
        (1j, TypeError, "rate: expected a number, got 1j"),
        ("1", TypeError, "rate: expected a number, got '1'"),
        (None, TypeError, "rate: expected a number, got None"),
        (np.array(1.0), TypeError, r"rate: expected a number, got array\(1\.\)"),
        (float("nan"), ValueError, "rate: expected a finite number, got nan"),
        (Decimal("sNaN"), ValueError, "rate: expected a finite number, got sNaN"),
        (np.longdouble("1e4000"), ValueError, r"rate: expected a finite number, got (1e\+4000|inf)"),
        (10**400, ValueError, r"rate: expected a finite number, got 10{79}\.\.\."),
        (-(10**400), ValueError, "rate: expected a finite number, got -10"),
        (Fraction(10**400, 3), ValueError, "rate: expected a finite number, got 10"),
        pytest.param(10**5000, ValueError, "rate: expected a finite number, got int with too many digits to show", id="10**5000"),
    ],
)
def test_what_is_no_finite_number_is_refused_by_name(value, error, message):
    for check in (check_real, lambda name, value: check_range(name, value, 0)):
        with pytest.raises(error, match=f"^{message}"):
            check("rate", value)


def test_messages_stay_within_a_line():
    assert shown("a" * 1000) == "'" + "a" * 79 + "..."


@pytest.mark.parametrize(
    ("use", "name", "maximum"),
    [
        (lambda: Dense(BEYOND, 1), "n_inputs", 2**60 - 1),
        (lambda: Dense(1, BEYOND), "n_outputs", 2**60 - 1),
        (lambda: Dense(2**40, 2**40), "n_outputs", 2**20 - 1),
        (lambda: EarlyStopping(patience=2**63), "patience", 2**63 - 1),
        (lambda: StepDecay(2**63), "epochs", 2**63 - 1),
        (lambda: Sequential(seed=BEYOND), "seed", 2**63 - 1),
        (lambda: Sequential([Dense(1, 1)]).fit([[0.0]], [0.0], epochs=BEYOND), "epochs", 10**9),
        (lambda: Sequential([Dense(1, 1)]).fit([[0.0]], [0.0], batch_size=BEYOND), "batch_size", 2**63 - 1),
        (lambda: train([[0.0]], [[0.0]], hidden_size=BEYOND), "hidden_size", None),
        (lambda: train([[0.0]], [[0.0]], record_every=BEYOND), "record_every", 2**63 - 1),
    ],
)
def test_sizes_have_an_end(use, name, maximum):
    wanted = r"\d+" if maximum is None else maximum
    with pytest.raises(ValueError, match=rf"^{name}: expected at most {wanted}, got \d+"):
        use()


def test_the_largest_size_is_one_that_numpy_takes():
    for others in (1, 3, 1000):
        shape = largest_size(others), others
        assert np.broadcast_to(np.float64(0), shape).nbytes <= 2**63 - 1
        with pytest.raises(ValueError, match=re.escape("array is too big")):
            np.broadcast_to(np.zeros(1), (shape[0] + 1, others))


@pytest.mark.parametrize("value", [10**400, Fraction(10**400), np.longdouble("1e4000")])
def test_optimizers_and_layers_take_no_number_beyond_floats(value):
    with pytest.raises(ValueError, match=r"^learning_rate: expected a finite number"):
        SGD(value)
    with pytest.raises(ValueError, match=r"^rate: expected a finite number"):
        Dropout(value)


@pytest.mark.parametrize("size", [1, FEW, FEW + 1])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_finite_arrays_are_told_from_others(size, dtype):
    array = np.full((size, 1), np.finfo(dtype).max, dtype)  # the squares of these numbers are not finite
    assert all_finite(array)
    assert all_finite(np.zeros_like(array))
    for value in (np.nan, np.inf, -np.inf):
        array[-1] = value
        assert not all_finite(array)
