"""C that keeps the state before every √T-th step gives what C gives that keeps all: to the bit, but
for the gradients of parameters, whose rows are added up in another order."""

from __future__ import annotations

import ctypes
import math

import numpy as np
import pytest
import reference
from compiled import Numbers, agree, as_built, identical, quick, quickly
from some_cells import first, sampled
from test_library import SPECS
from test_names import TOGETHER, written
from written_cells import IDLE, MATRICES, READABLE, UNPLEASANT

from derive.library import load

pytestmark = pytest.mark.compiler
# Three segments: of 16, 16 and 8 steps. Sequences end within one, with one, and before the first.
FULL, RAGGED = (40, 4, None), (40, 4, (40, 21, 16, 0))
NOTHING, ALONE = (0, 3, None), (150, 1, None)
# Every word of the language, and matrices as states; unpleasant ones, idle ones, hostile names.
OTHERS = [
    ([READABLE[3], MATRICES[1]],),
    ([*READABLE, *MATRICES],),
    ([*UNPLEASANT, *IDLE, *map(written, TOGETHER.values())],),
]
PARAMETERS = ("backward", "backward from outputs", "hvp", "hvp from outputs")


def both(spec):
    """The modules that keep all, and checkpoints."""
    return [quick(spec, store) for store in ("all", "checkpoints")]


@pytest.mark.parametrize("spec", sampled(SPECS, ["lstm", "gru_d", "qrnn", "unicornn"]))
def test_numpy_gives_the_same(spec):
    for batch in (FULL, RAGGED, NOTHING):
        numbers = Numbers(load(spec), batch, scale=0.3)
        wanted = numbers.results(reference.module_of(load(spec)))
        agree(numbers.results(quick(spec, "checkpoints")), wanted, 1e-11)


@pytest.mark.parametrize("dtype", ["f", "d"])
@pytest.mark.parametrize("spec", first(1, ["lstm", "slstm", "t_lstm"]))
def test_the_same_to_the_bit(spec, dtype):
    everything, sparing = as_built(spec), as_built(spec, "checkpoints")
    for batch in (FULL, RAGGED):
        alike(Numbers(load(spec), batch, dtype, 0.3), everything, sparing)


def alike(numbers, everything, sparing):
    wanted, found = numbers.results(everything), numbers.results(sparing)
    sums = [key for key in wanted if key[0] in PARAMETERS and key[1] == 0]
    assert len(sums) == len(PARAMETERS)
    near = 1e-5 if numbers.dtype == "f" else 1e-12
    agree({key: found.pop(key) for key in sums}, {key: wanted.pop(key) for key in sums}, near)
    identical(found, wanted)


def test_one_sequence():
    """Whose products are made in another order where there is one row."""
    everything, sparing = both("lstm")
    numbers = Numbers(load("lstm"), ALONE)
    agree(numbers.results(sparing), numbers.results(everything))


def test_no_sequence():
    everything, sparing = both("lstm")
    numbers = Numbers(load("lstm"), (3, 0, None))
    agree(numbers.results(sparing), numbers.results(everything))


@pytest.mark.parametrize("cells", first(1, OTHERS))
def test_cells_that_are_in_no_library(cells):
    stores = [quickly(cells, store, dtypes=["float64"]) for store in ("all", "checkpoints")]
    for cell, *modules in zip(cells, *stores, strict=True):
        alike(Numbers(cell, (30, 4, (30, 3, 17, 0)), scale=0.3), *modules)


@pytest.mark.parametrize("spec", ["lstm", "t_lstm"])
def test_what_is_past_an_end_does_not_matter(spec):
    clean, poisoned = (Numbers(load(spec), RAGGED) for _ in range(2))
    T, _, lengths = RAGGED
    for array in (*poisoned.xs, poisoned.dys):
        array[np.arange(T)[:, None] >= lengths] = np.nan
    m = quick(spec, "checkpoints")
    got, want = poisoned.results(m), clean.results(m)
    clear = [key for key in want if not key[0].startswith("step")]
    identical({key: got[key] for key in clear}, {key: want[key] for key in clear})


@pytest.mark.parametrize("dtype", ["f", "d"])
def test_threads_change_no_bit(dtype):
    m = as_built("lstm", "checkpoints")
    lengths = np.random.default_rng(3).integers(0, 41, 37)
    for batch in ((40, 71, None), (40, 37, lengths)):
        numbers = Numbers(load("lstm"), batch, dtype, 0.1, input_size=33, hidden_size=50)
        before, found = m.threads(), []
        try:
            for count in (1, 2, 3):
                m.set_threads(count)
                found.append(numbers.results(m))
        finally:
            m.set_threads(before)
        for other in found[1:]:
            identical(other, found[0])


def test_the_tape_stays_as_it_is():
    """So that backward may be called twice, before and after jvp and hvp."""
    m = quick("lstm", "checkpoints")
    numbers = Numbers(load("lstm"), RAGGED)
    params, dot = numbers.params_of(m, numbers.params), numbers.params_of(m, numbers.params_dot)
    _, _, tape = m.forward(params, numbers.xs[0], lengths=np.array(RAGGED[2]))
    kept = [tape.h_s.copy(), tape.c_s.copy()]
    first = m.backward(params, tape, numbers.dys)[0].flat
    m.jvp(params, tape, dot)
    m.hvp(params, tape, numbers.dys, dot)
    assert np.array_equal(m.backward(params, tape, numbers.dys)[0].flat, first)
    assert all(map(np.array_equal, kept, (tape.h_s, tape.c_s)))


# --- memory --------------------------------------------------------------------------------------


def memory(m, T, B=8):
    """How many numbers a tape, and the workspace of each routine, are."""
    params = m.Params(4, 16, np.float32)
    run, library = m._run(params, T, B, None), m._libraries[np.dtype("float32")]
    tape = (ctypes.c_void_p * 16)()
    found = {"tape": library["lstm_tape_in"]}
    found |= {r: library[f"lstm_{r}_work"] for r in ("forward", "backward", "jvp", "hvp")}
    for function in found.values():
        function.restype = ctypes.c_size_t
    more = {"tape": (None, tape)}
    return {r: f(ctypes.byref(run), *more.get(r, ())) for r, f in found.items()}


def test_memory_grows_with_the_root():
    """Sixteen times the steps, four times the memory; of a short run, no more than all would be."""
    sparing, everything = as_built("lstm", "checkpoints"), as_built("lstm")
    short, long, whole = memory(sparing, 4096), memory(sparing, 65536), memory(everything, 65536)
    for routine, numbers in long.items():
        assert numbers <= 4.01 * short[routine], routine
    assert sum(long.values()) < sum(whole.values()) / 50
    assert memory(sparing, 65536)["tape"] == 256 * 8 * 2 * 16


@pytest.mark.parametrize("B", [1, 3, 64, 65])
def test_segments(B):
    """As many as it takes of ⌈√T⌉ steps, or of 64 rows; one, where there is no step."""
    m = as_built("lstm", "checkpoints")
    params = m.Params(4, 16, np.float32)
    for T in (0, 1, 2, 63, 64, 65, 4095, 4096, 4097, 10**6, 10**12 + 1):
        each = max(math.isqrt(max(T - 1, 0)) + 1, -(-64 // B))
        found = m._segments(m._run(params, T, B, None), np.dtype("float32"))
        assert found == max(-(-T // each), 1), T


def test_what_forward_leaves():
    """On the tape are the states before each segment, and nothing else."""
    spec = "slstm"  # of whose states one starts elsewhere
    m, everything = quick(spec, "checkpoints"), quick(spec)
    numbers = Numbers(load(spec), FULL)
    xs = numbers.xs[0]
    tape = m.forward(numbers.params_of(m, numbers.params), xs)[2]
    wanted = everything.forward(numbers.params_of(everything, numbers.params), xs)[2]
    assert tape._fields == ("xs", "h_s", "c_s", "n_s", "m_s", "past")
    for state in tape._fields[1:-1]:
        assert np.array_equal(getattr(tape, state), getattr(wanted, state)[:-1:16])
