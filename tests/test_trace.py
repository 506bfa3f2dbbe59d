"""Traces follow the published format, and phases do not overlap, since viewers would nest those that do.

Source: "Trace Event Format", https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU: its JSON object format,
complete events ("X") and metadata events ("M").
"""

import copy
import itertools
import json

import jsonschema
import numpy as np
import pytest

from fastmlp import Dense, ReLU, Sequential, profile
from fastmlp.kernels.clock import PHASES
from fastmlp.measure.profile import Lap, Profile

PLACE = {"pid": {"type": "integer"}, "tid": {"type": "integer"}}
MICROSECONDS = {"type": "number", "minimum": 0}
COMPLETE = {
    "properties": {"ph": {"const": "X"}, "name": {"type": "string"}, "cat": {"type": "string"}, "args": {"type": "object"}, **PLACE}
    | dict.fromkeys(("ts", "dur", "tts", "tdur"), MICROSECONDS),
    "required": ["ph", "name", "cat", "ts", "dur", "pid", "tid"],
    "additionalProperties": False,
}
NAME_OF_A_THREAD = {
    "properties": {
        "ph": {"const": "M"},
        "name": {"const": "thread_name"},  # of the five kinds of metadata, only this one is written
        "args": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"], "additionalProperties": False},
        **PLACE,
    },
    "required": ["ph", "name", "pid", "tid", "args"],
    "additionalProperties": False,
}
SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {
        "traceEvents": {"type": "array", "items": {"type": "object", "oneOf": [COMPLETE, NAME_OF_A_THREAD]}},
        "displayTimeUnit": {"enum": ["ms", "ns"]},
        "otherData": {"type": "object"},
    },
    "required": ["traceEvents"],
    "additionalProperties": False,  # the format allows other data; there is none here
}


def check(trace):
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(trace, SCHEMA, jsonschema.Draft202012Validator)


def events(trace, phase, thread=None):
    return [event for event in trace["traceEvents"] if event["ph"] == phase and thread in (None, event["tid"])]


def traced(n_threads, **options):
    rng = np.random.default_rng(0)
    X, y = rng.uniform(size=(640, 300)).astype(np.float32), rng.integers(10, size=640)
    model = Sequential([Dense(300, 40), ReLU(), Dense(40, 10)], loss="softmax_cross_entropy")
    taken = profile(model, X, y, epochs=2, n_threads=n_threads, **options)
    return json.loads(json.dumps(taken.trace(), allow_nan=False))


@pytest.mark.parametrize("n_threads", [1, 2])
def test_a_trace_has_every_phase_of_some_steps_one_after_the_other(n_threads):
    trace = traced(n_threads, trace_steps=3)
    check(trace)
    assert [(event["tid"], event["args"]) for event in events(trace, "M")] == [(n, {"name": f"thread {n}"}) for n in range(n_threads)]
    assert {event["cat"] for event in events(trace, "X")} <= set(PHASES)
    assert all(event["name"].startswith(event["cat"]) for event in events(trace, "X"))
    assert min(event["ts"] for event in events(trace, "X")) == 0
    for thread in range(n_threads):
        own = events(trace, "X", thread)
        assert {event["name"] for event in own} >= {"call", "gather", "update 2", "barrier"}
        assert sum(event["name"] == "gather" for event in own) >= 3
        for before, after in itertools.pairwise(own):
            gap = after["ts"] - (before["ts"] + before["dur"])
            assert gap == 0 or (after["name"] == "call" and gap > 0)


def test_validation_is_traced_too():
    trace = traced(1, trace_steps=100, validation_split=0.5)
    check(trace)
    assert sum(event["name"] == "validation" for event in events(trace, "X")) == 2 * 320 / 64


def test_a_trace_of_no_steps_is_one_too():
    trace = traced(1)
    check(trace)
    assert events(trace, "X") == []


def test_times_far_from_the_beginning_do_not_overlap_by_a_rounding():
    """Phases of a third of a microsecond have no exact sum in any unit."""
    ends = [3.0 + n / 3e6 for n in range(10_000)]
    laps = tuple(Lap(0, "loss", 1, begin, end) for begin, end in itertools.pairwise(ends))
    taken = Profile((4, 3), "float32", "SGD", 8, 1, 80, 1, 10, False, 2.0, (2.0,), (), 100.0, {}, laps, {"cpu": "one"})
    own = events(json.loads(json.dumps(taken.trace())), "X")
    assert all(before["ts"] + before["dur"] == after["ts"] for before, after in itertools.pairwise(own))
    assert own[-1]["ts"] == pytest.approx(laps[-1].begin * 1e6, abs=1e-3)


@pytest.mark.parametrize(
    "damage",
    [
        lambda trace: trace.pop("traceEvents"),
        lambda trace: trace["traceEvents"][0].update(ph="Q"),
        lambda trace: trace["traceEvents"][0].update(args={}),
        lambda trace: trace["traceEvents"][-1].pop("dur"),
        lambda trace: trace["traceEvents"][-1].update(ts="0"),
        lambda trace: trace["traceEvents"][-1].update(dur=-1.0),
        lambda trace: trace["traceEvents"][-1].update(tid="thread 0"),
        lambda trace: trace["traceEvents"][-1].update(color="red"),
        lambda trace: trace.update(displayTimeUnit="s"),
    ],
)
def test_the_schema_refuses_what_the_format_does(damage):
    lap = Lap(0, "loss", 1, 0.0, 1e-6)
    good = Profile((4, 3), "float32", "SGD", 8, 1, 80, 1, 10, False, 2.0, (2.0,), (), 100.0, {}, (lap,), {"cpu": "one"}).trace()
    check(good)
    bad = copy.deepcopy(good)
    damage(bad)
    with pytest.raises(jsonschema.ValidationError):
        check(bad)
