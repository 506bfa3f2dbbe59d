"""A network in training: what `Run` remembers, forgets and copies."""

import copy
import pickle

import numpy as np
import pytest

from fastmlp import SGD, Adam, AdamW, Dense, Sequential
from fastmlp.engine import run as engine
from fastmlp.engine.run import Run


def make(optimizer=None):
    """Make a run of a small network."""
    model = Sequential([Dense(3, 2)], dtype="float64")
    run = Run(model.network(), model.parameters, "squared_error", seed=1)
    if optimizer is not None:
        run.use(optimizer.settings())
    return run


def step(model, optimizer):
    return model.train_batch(np.eye(3), np.ones((3, 2)), optimizer)


def test_the_same_settings_at_another_rate_are_the_same_optimizer():
    run = make(Adam(0.1))
    run.m[:], run.steps = 1, 5
    for same in (Adam(0.2), Adam(0.0), AdamW(0.1, weight_decay=0)):  # the last one is equivalent to Adam
        run.use(same.settings())
        assert run.m.all()
        assert run.begun == 0
    run.use(Adam(0.1, beta1=0.5).settings())
    assert not run.m.any()
    assert (run.begun, run.steps) == (5, 5)


def test_a_run_needs_an_optimizer():
    with pytest.raises(ValueError, match=r"^settings: expected the rule of an optimizer, given to `use`"):
        make().epochs(None, None, None, np.zeros((1, 1), np.int64), 1, np.zeros(1), 1)


def test_an_earlier_state_comes_back_whole():
    model = Sequential([Dense(3, 2)], dtype="float64")
    step(model, Adam(0.1))
    state = model.snapshot()
    expected = [step(model, Adam(0.1)) for _ in range(3)]
    step(model, SGD(0.1))  # another optimizer, which starts without state
    model.restore(state)
    assert [step(model, Adam(0.1)) for _ in range(3)] == expected


def test_steps_that_an_interrupt_cut_short_count(monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    model = Sequential([Dense(3, 2)], dtype="float64")
    monkeypatch.setattr(engine, "train_epochs", interrupt)
    with pytest.raises(KeyboardInterrupt):
        step(model, SGD(0.1))
    assert model.steps == 1


def test_copies_carry_what_is_remembered_and_nothing_that_is_empty():
    sizes = {}
    for name, optimizer in (("sgd", SGD(0.1)), ("adam", Adam(0.1))):
        model = Sequential([Dense(3, 2)], dtype="float64")
        step(model, optimizer)
        sizes[name] = len(pickle.dumps(model))
        for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
            assert step(other, optimizer) == step(copy.copy(model), optimizer)
            assert other.steps == model.steps + 1
            assert not np.shares_memory(other.parameters, model.parameters)
    assert sizes["adam"] - sizes["sgd"] > 2 * model.parameters.nbytes
