"""Random cells, compiled: C's numbers are NumPy's, whatever the equations.

`make fuzz` tries one for every ten that it tries in NumPy. They are compiled many at a time; where
one is wrong, the same ones are drawn again, and that one is made as small as it can be.
"""

from __future__ import annotations

import os
from functools import partial

import numpy as np
import pytest
import reference
from compiled import Numbers, agree, quickly
from fuzzing import SHARE, tried
from hypothesis import HealthCheck, given, note, seed, settings
from some_cells import first
from test_cells_random import (
    COUNT,
    FOUND,
    LARGEST,
    PARTS,
    PHASES,
    SIZES,
    GrowthError,
    any_cells,
    found,
    is_steady,
    shown,
)

pytestmark = pytest.mark.compiler
TOGETHER = 13  # in one call of the compiler
TOLERANCE = 1e-10  # of the largest number of an array
# Steps, sequences and their lengths; and how many units, for widths that vectors divide or not.
BATCHES = [((4, 3, (4, 0, 2)), 3), ((3, 5, None), 1), ((2, 13, None), 17), ((5, 1, None), 8)]


def few(count):
    """How many cells each part has."""
    return max(2, count // SHARE // PARTS)


def calm(cell, m, batch, **sizes):
    """Arguments that are small enough for no quantity to grow, and rounding errors with it."""
    for scale in (0.6, 0.3, 0.1, 0.03):
        numbers = Numbers(cell, batch, scale=scale, **sizes)
        with np.errstate(all="ignore"):
            if is_calm(partial(values, numbers, m, numbers.state)) and is_calm(
                partial(values, numbers, m, [0 * s for s in numbers.state])
            ):
                return numbers
    raise GrowthError


def is_calm(values):
    """Whether no value grows large, or hangs on a rounding error."""
    return largest(values()) <= LARGEST and is_steady(values)


def largest(arrays):
    """The largest value that any quantity has."""
    return np.nan_to_num(max(np.abs(v).max(initial=0) for v in arrays), nan=np.inf)


def values(numbers, m, state, **rounding):
    """The values of all quantities, from a state on."""
    xs, state = numbers.given(m, numbers.xs), m.State(*state)._asdict()
    params = numbers.params_of(m, numbers.params)
    found = reference.trajectory(numbers.cell, params, xs, state, **rounding)
    return [v for env in found for v in env.values()]


def wrong(cell, m):
    """What a compiled cell has wrong; empty where it has nothing."""
    ours = reference.module_of(cell)
    try:
        for batch, units in BATCHES:
            sizes = {**SIZES, "hidden_size": units}
            numbers = calm(cell, ours, batch, **{a.argument: sizes[a.argument] for a in cell.axes})
            agree(numbers.results(m), numbers.results(ours), TOLERANCE)
    except GrowthError:
        return ""
    except AssertionError as error:
        return str(error)
    return ""


def drawn(chosen, count, take):
    """Draw so many cells, the same ones for the same number, and hand each on."""

    @settings(
        max_examples=count, deadline=None, phases=PHASES, database=None, print_blob=False,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(any_cells())
    def draw(cell):
        if cell is not None:
            take(cell)

    seed(chosen)(draw)()


def batches(chosen, count):
    """Cells, with what is wrong in each."""
    distinct = {}
    drawn(chosen, count, lambda cell: distinct.setdefault(shown(cell), cell))
    ordered = list(distinct.values())
    for k in range(0, len(ordered), TOGETHER):
        some = ordered[k : k + TOGETHER]
        yield from zip(some, map(wrong, some, quickly(some, dtypes=["float64"])), strict=True)


@pytest.mark.parametrize("part", first(1, range(PARTS)))
def test_a_random_cell_is_compiled_right(part):
    """The same cells each time, unless CELLS asks for others."""
    chosen = part if "CELLS" not in os.environ else int.from_bytes(os.urandom(4), "big")
    print(f"seed {chosen}")
    right, fails = set(), False
    for cell, said in batches(chosen, few(COUNT)):
        tried("F" if said else ".")
        fails |= bool(said)
        right |= {shown(cell)} if not said else set()

    def again(cell):
        if shown(cell) in right:
            return
        note(shown(cell))
        (m,) = quickly([cell], dtypes=["float64"])
        assert not wrong(cell, m)

    if fails:
        drawn(chosen, few(COUNT), again)
        raise AssertionError("one was wrong, and is not any more")


# What went wrong in C: matrices were laid out after they had been multiplied with what is computed
# once, from parameters alone; a step with nothing to do had no function; a product that is wider
# than a panel was written over what the next panel is multiplied with; an array of all steps had
# the room that another of its name needs for one.
EARLY = [
    "a parameter's product, beside a bias",
    "a transposed product of parameters",
    "a state that nothing has a derivative by",
    "a product's tangent, in its operand's place",
    "one number for all steps, and of each step again",
]
LATE = [what for what in FOUND if what not in EARLY]
GROUPS = [EARLY, *(LATE[k : k + TOGETHER] for k in range(0, len(LATE), TOGETHER))]


@pytest.mark.parametrize("some", first(1, [(group,) for group in GROUPS]))
def test_what_went_wrong_once_is_compiled_right(some):
    """In either language."""
    ordered = list(map(found, some))
    for what, cell, m in zip(some, ordered, quickly(ordered, dtypes=["float64"]), strict=True):
        assert not wrong(cell, m), what
