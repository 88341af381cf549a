"""The tests of a mutant that runs its steps a segment at a time: how long these are, and that the
tape holds what they begin with."""

from __future__ import annotations

import math

import numpy as np
import pytest

from derive.proof.trial import Trial
from mutation.proof import loaded
from mutation.subjects import SUBJECTS

SEGMENTED = [str(subject) for subject in SUBJECTS if subject.has_segments]


@pytest.mark.parametrize("spec", SEGMENTED)
def test_all_segments_but_the_last_are_of_one_length(spec, monkeypatch):
    """The root of the number of steps, or as many as are worth it."""
    _, m = loaded(spec)
    for worth, B in ((1, 1), (64, 4), (64, 1), (64, 0)):
        monkeypatch.setattr(m, "_WORTH", worth)
        for T in (0, 1, 2, 3, 4, 5, 16, 17, 101, 400):
            length = max(math.ceil(math.sqrt(T)), worth // max(B, 1))
            *others, last = [range(T)[steps] for steps in m._segments(T, B)]
            assert [t for steps in (*others, last) for t in steps] == [*range(T)]
            assert {len(steps) for steps in others} <= {length} and len(last) <= length
            assert len(last) or not others


@pytest.mark.parametrize("spec", SEGMENTED)
def test_what_the_caller_changes_afterwards_is_not_in_the_tape(spec):
    cell, m = loaded(spec)
    trial = Trial(cell, module=m)
    params, xs, state = trial.point.params, trial.point.xs, trial.point.state
    T, B = trial.ys.shape[:2]
    lengths, first = np.arange(B) + T - B + 1, np.arange(B)
    number = {"first": first} if cell.number else {}
    _, _, tape = m.forward(params, xs, state, lengths, **number)
    wanted, _, _ = m.backward(params, tape, trial.dys)
    for array in (*state, lengths, first):
        array[...] = 1
    found, _, _ = m.backward(params, tape, trial.dys)
    assert found == wanted
