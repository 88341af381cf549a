"""The compiled C gives NumPy's numbers: whatever the cell, the sizes, and the numbers that come in.

What holds of its text, and needs no compiler, is in `test_c_text`; that it keeps the contract of
every generated module, in `test_c_contract`; how it is built, in `test_build`; that compilers and
sanitizers have nothing to say of it, in `test_c_strict`.
"""

from __future__ import annotations

import re
import threading
from functools import cache

import numpy as np
import pytest
import reference
from compiled import Numbers, agree, as_built, identical, quick, quickly
from some_cells import every, first
from test_contract import Run, wrong_arguments
from test_library import SPECS
from test_names import TOGETHER, written
from written_cells import IDLE, MATRICES, READABLE, UNPLEASANT

from derive import language as lang
from derive.library import load

pytestmark = pytest.mark.compiler
AS_BUILT = ["lstm"]  # in `make test`, with all that makes them fast
QUICK = ["lstm", "gru_d", "qrnn", "lstm_projection:peepholes=false", "unicornn"]
FULL, RAGGED = (5, 4, None), (5, 4, (5, 0, 2, 4))
# With 1000 rows it is worth several threads, of which each has some rows of matrices and one more.
LARGE = {"input_size": 33, "hidden_size": 50}


@cache
def numpy(spec, store="all"):
    return reference.module_of(load(spec), store)


def only(some):
    """All built-in cells with their options, of which `make test` looks at some."""
    return [pytest.param(spec, marks=[every] * (spec not in some)) for spec in SPECS]


def compare(spec, m, *arguments, tolerance=1e-12, **sizes):
    """A module against NumPy's."""
    numbers = Numbers(load(spec), *arguments, **sizes)
    agree(numbers.results(m), numbers.results(numpy(spec)), tolerance)


# --- every cell ----------------------------------------------------------------------------------


@pytest.mark.parametrize("spec", only(QUICK))
def test_every_cell(spec):
    """With every option, and all that a module computes."""
    for batch in (FULL, RAGGED):
        compare(spec, quick(spec), batch)


@pytest.mark.parametrize("spec", only(AS_BUILT))
def test_every_cell_as_it_is_built(spec):
    """At a size that no vector divides, and in float32 as nearly as that can be."""
    m, size = as_built(spec), {"hidden_size": 19}
    for batch in (FULL, RAGGED):
        compare(spec, m, batch, **size)
        single, double = (Numbers(load(spec), batch, dtype, 0.3, **size) for dtype in "fd")
        got, want = single.results(m), double.results(numpy(spec))
        assert {array.dtype for array in got.values()} == {np.dtype("f")}
        agree({key: array.astype("d") for key, array in got.items()}, want, 1e-4)


@pytest.mark.parametrize("spec", only(["scrn"]))
def test_what_keeps_states_only(spec):
    numbers = Numbers(load(spec), RAGGED)
    agree(numbers.results(quick(spec, "states")), numbers.results(numpy(spec)))


@pytest.mark.parametrize(
    "cells", first(1, [[READABLE[3], MATRICES[1], *IDLE], MATRICES, [*READABLE, *UNPLEASANT]])
)
def test_cells_that_are_in_no_library(cells):
    """Every word of the language and idle ones, matrices as states, and unpleasant ones."""
    for cell, m in zip(cells, quickly(cells, dtypes=["float64"]), strict=True):
        numbers = Numbers(cell)
        agree(numbers.results(m), numbers.results(reference.module_of(cell)))


def test_a_largest_entry_that_nobody_learns_from():
    """Its derivative, which is not there, brought along what finds it."""

    class Peaked(lang.Cell):
        """What is largest is taken off."""

        x, h = lang.Input(), lang.State()
        W, U = lang.Matrix(lang.H, lang.I), lang.Matrix(lang.H, lang.H)
        a = W @ x + U @ h
        h_next = lang.Output(a - lang.stop_gradient(lang.largest(a)))

    (m,) = quickly([Peaked], dtypes=["float64"])
    numbers = Numbers(Peaked)
    agree(numbers.results(m), numbers.results(reference.module_of(Peaked)))


@pytest.mark.parametrize("which", first(1, TOGETHER))
def test_hostile_names(which):
    cell = written(TOGETHER[which])
    (m,), numbers = quickly([cell], dtypes=["float64"]), Numbers(cell)
    agree(numbers.results(m), numbers.results(reference.module_of(cell)))


# What C says itself, or a header of it, or the generated file; or what becomes a keyword with a d.
WORDS = """
    I real at row double int main F register restrict inline long auto signed union volatile
    size_t NULL memcpy exp tanh fabs sqrt j0 y1 log1pf sigmoid_ EACH OMP SUM_OF TILE LANES tile pack
    take team share begin final ended work used run it offsets sizes count params tape xs threads
    lengths first last seq col row_ t B T o_ block wide behind linux unix errno signgam stdin
    ENOUGH WORTH TILES larger gather panel_width forward_step backward_memory step_hand_on step_rows
    struct_ uint32_t bool true_ INFINITY assert_ omp_get_max_threads left parts PRAGMA WIDEST
""".split()


@pytest.mark.parametrize("start", first(1, range(0, len(WORDS), 10)))
def test_words_of_c_as_names(start):
    """Each as a state, a parameter, a gate and a vector of a cell that is otherwise the same."""
    words = WORDS[start : start + 10] + WORDS[: max(0, start + 10 - len(WORDS))]
    roles = "h c k W U b i f g o".split()
    plain = [written({}), *(written(dict(zip(roles, r, strict=True))) for r in turns(words, 2))]
    modules = quickly(plain, dtypes=["float64"])
    right, *found = (Numbers(cell).results(m) for cell, m in zip(plain, modules, strict=True))
    for got in found:
        agree(got, right)


def turns(words, count):
    """The words in other places each time."""
    step = len(words) // count
    return [words[k * step :] + words[: k * step] for k in range(count)]


# --- sizes ---------------------------------------------------------------------------------------

SHAPES = [(3, 1, 1, 1), (2, 5, 1, 3), (4, 13, 3, 17), (2, 13, 1, 63), (0, 5, 2, 17), (3, 0, 2, 5),
          (0, 0, 1, 1), (2, 130, 2, 9)]  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("spec", only(AS_BUILT))
def test_sizes(spec, shape):
    T, B, input_size, hidden_size = shape
    rng = np.random.default_rng(B)
    for lengths in (None, rng.integers(0, T + 1, B)):
        sizes = {"input_size": input_size, "hidden_size": hidden_size}
        compare(spec, as_built(spec), (T, B, lengths), **sizes)


def at_an_odd_address(array):
    """The same, one number further on than memory begins."""
    memory = np.empty(array.size + 1, array.dtype)
    memory[1:] = array.ravel()
    return memory[1:].reshape(array.shape)


def at_an_odd_byte(array):
    memory = np.empty(array.nbytes + 1, np.uint8)
    placed = memory[1:].view(array.dtype)
    placed[...] = array.ravel()
    return placed.reshape(array.shape)


def with_gaps(array):
    memory = np.full((*array.shape, 2), np.nan, array.dtype)
    memory[..., 0] = array
    return memory[..., 0]


@pytest.mark.parametrize("lay", [at_an_odd_address, at_an_odd_byte, with_gaps, np.asfortranarray])
@pytest.mark.parametrize("dtype", ["f", "d"])
@pytest.mark.parametrize("spec", only(AS_BUILT))
def test_wherever_arrays_lie(spec, lay, dtype):
    numbers, m = Numbers(load(spec), RAGGED, dtype, hidden_size=16), as_built(spec)
    identical(numbers.results(m, lay), numbers.results(m))


# --- numbers that are large, or none -------------------------------------------------------------


@pytest.mark.parametrize("scale", [30, 1e4])
@pytest.mark.parametrize("dtype", ["f", "d"])
@pytest.mark.parametrize("spec", first(1, ["slstm", "lstm_layer_norm", "lstm", "gru"]))
def test_saturated(spec, dtype, scale):
    """What is left of 1 - 1 is multiplied by large numbers, twice on the way of hvp."""
    tolerance = 1e-8 if dtype == "d" else 1e-2
    compare(spec, quick(spec), RAGGED, dtype, scale, tolerance=tolerance)


@pytest.mark.parametrize("spec", only(["lstm", "gru", "qrnn"]))
def test_what_is_no_number_comes_out_where_numpy_s_does(spec):
    """In what is given, and in each parameter by itself. Of an infinity less another one it depends
    on the order of a sum whether it is met."""
    numbers = Numbers(load(spec), (3, 2, None))
    rows = (*numbers.xs, *numbers.state, numbers.dys, numbers.dys_dot)
    for array in (*(a[len(a) // 2] for a in rows), *numbers.params.values()):
        before = array.copy()
        for hole in (np.nan, np.inf, -np.inf):
            array.flat[-1] = hole
            same_holes(numbers.results(quick(spec)), numbers.results(numpy(spec)), hole)
        array[...] = before


def same_holes(got, want, hole):
    for key, right in want.items():
        is_there = np.isfinite(right)
        assert np.array_equal(np.isfinite(got[key]), is_there), key
        assert np.isfinite(hole) or not np.isnan(hole) or not np.isinf(got[key]).any(), key
    agree(*({key: np.where(np.isfinite(want[key]), found[key], 0) for key in want}
            for found in (got, want)))  # fmt: skip


def test_no_function_swallows_what_is_no_number():
    cell = READABLE[3]  # with every word of the language
    (m,), plain = quickly([cell], dtypes=["float64"]), reference.module_of(cell)
    for hole in (np.nan, np.inf, -np.inf):
        numbers = Numbers(cell, (2, 2, None))
        numbers.xs[0][1, 0, 0] = hole
        same_holes(numbers.results(m), numbers.results(plain), hole)


def test_a_hole_past_an_end_harms_nobody():
    """NumPy's module multiplies it by 0; here nothing is computed there."""
    numbers = Numbers(load("gru"), RAGGED)
    numbers.params["W_r"][0, 0] = np.nan
    got, want = numbers.results(quick("gru")), numbers.results(numpy("gru"))
    for key, right in want.items():
        assert not (np.isnan(got[key]) & ~np.isnan(right)).any(), key


@pytest.mark.parametrize("spec", only(["lstm", "slstm", "t_lstm", "qrnn"]))
def test_what_is_past_an_end_does_not_matter(spec):
    clean, poisoned = (Numbers(load(spec), RAGGED) for _ in range(2))
    T, _, lengths = RAGGED
    for array in (*poisoned.xs, poisoned.dys):
        array[np.arange(T)[:, None] >= lengths] = np.nan
    got, want = poisoned.results(quick(spec)), clean.results(quick(spec))
    clear = [key for key in want if not key[0].startswith("step")]
    identical({key: got[key] for key in clear}, {key: want[key] for key in clear})


# --- threads and memory --------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["f", "d"])
@pytest.mark.parametrize("spec", only(["lstm"]))
def test_threads_change_no_bit(spec, dtype):
    m = as_built(spec)
    rng = np.random.default_rng(3)
    for B, lengths in ((71, None), (37, rng.integers(0, 31, 37))):
        numbers = Numbers(load(spec), (30, B, lengths), dtype, 0.1, **LARGE)
        before, found = m.threads(), []
        try:
            for count in (1, 2, 3, 8):
                m.set_threads(count)
                assert m.threads() == count
                found.append(numbers.results(m))
        finally:
            m.set_threads(before)
        for other in found[1:]:
            identical(other, found[0])


@pytest.mark.parametrize("count", [0, -1, 1.0, "2", None, True])
def test_how_many_threads_there_may_be(count):
    with pytest.raises(ValueError, match="count must be a positive integer, not") as error:
        as_built("lstm").set_threads(count)
    assert repr(count) in str(error.value)


@pytest.mark.parametrize("spec", only(["lstm"]))
def test_threads_of_python_run_side_by_side(spec):
    """Large enough for memory that is handed on from call to call, each with numbers of its own."""
    m, several = as_built(spec), [Numbers(load(spec), (20, 9, None), **LARGE) for _ in range(4)]
    for n, numbers in enumerate(several):
        for array in numbers.params.values():
            array *= n / 4
    alone, found = [numbers.results(m) for numbers in several], [None] * 4

    def run(n):
        for _ in range(5):
            found[n] = several[n].results(m)
            identical(found[n], alone[n])

    threads = [threading.Thread(target=run, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for got, want in zip(found, alone, strict=True):
        identical(got, want)


@pytest.mark.parametrize("spec", only(["lstm"]))
def test_what_a_call_has_given_stays_as_it_is(spec):
    """However large it is, whoever calls next, and whether or not the rest of it was kept."""
    m = as_built(spec)
    one, two = (Numbers(load(spec), (20, 9, None), scale=s, **LARGE) for s in (0.3, 0.6))
    params, xs = one.params_of(m, one.params), one.given(m, one.xs)
    ys, final, tape = m.forward(params, xs)
    kept = [ys, *final, *(a for a in tape if isinstance(a, np.ndarray))]
    copies = [array.copy() for array in kept]
    view = m.forward(params, xs)[0][1:]  # keeps what it looks at, alone
    two.results(m)
    del tape
    two.results(m)
    for array, copy in zip(kept, copies, strict=True):
        np.testing.assert_array_equal(array, copy)
    np.testing.assert_array_equal(view, copies[0][1:])


def test_the_first_call_may_be_asked_for_twice():
    """Memory that is used again holds what was there: nothing may be read before it is written."""
    numbers = Numbers(load("lstm"), (20, 9, None), **LARGE)
    m = as_built("lstm")
    once = numbers.results(m)
    poison = Numbers(load("lstm"), (20, 9, None), scale=np.nan, **LARGE)
    poison.results(m)
    identical(numbers.results(m), once)


# --- streams -------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["f", "d"])
@pytest.mark.parametrize("spec", only(QUICK))
def test_a_stream_is_step_after_step(spec, dtype):
    m, cell = quick(spec), load(spec)
    numbers = Numbers(cell, (4, 3, None), dtype)
    params, xs = numbers.params_of(m, numbers.params), numbers.given(m, numbers.xs)
    for state in (None, m.State(*numbers.state)):
        rows = slice(0, 1) if state is None else slice(None)  # without a state: one sequence
        stream = m.Stream(params, state)
        for t in range(4):
            x, number = reference.at(xs, (t, rows)), reference.number(cell, t)
            y, state = m.step(params, x, state, *number)
            got = stream(x, *number)
            agree({"y": np.array(got)}, {"y": y}, 1e-12 if dtype == "d" else 1e-5)
            for name, array in state._asdict().items():
                own = getattr(stream.state, name)
                agree({name: np.array(own)}, {name: array}, 1e-12 if dtype == "d" else 1e-5)


def test_a_stream_has_memory_of_its_own():
    m, numbers = quick("lstm"), Numbers(load("lstm"), (2, 3, None))
    params, state = numbers.params_of(m, numbers.params), m.State(*numbers.state)
    one, two = m.Stream(params, state), m.Stream(params, state)
    before = [array.copy() for array in state]
    xs = numbers.xs[0]
    y = one(xs[0])
    first = y.copy()
    params.flat[:] = 0
    assert one(xs[1]) is y and not np.array_equal(y, first)
    for array, copy in zip(state, before, strict=True):
        np.testing.assert_array_equal(array, copy)
    np.testing.assert_array_equal(two(xs[0]), first)


def test_a_stream_says_what_is_wrong():
    m, numbers = quick("lstm"), Numbers(load("lstm"), (2, 3, None))
    params = numbers.params_of(m, numbers.params)
    with pytest.raises(TypeError, match="params must be"):
        m.Stream(dict(params))
    with pytest.raises(ValueError, match=r"state\.h has shape"):
        m.Stream(params, m.State(np.zeros((3, 1)), np.zeros((3, 3))))
    for x in (np.zeros((3, 9)), np.zeros((4, 2)), np.zeros((5, 3, 2))):
        with pytest.raises(ValueError, match=re.escape(str(x.shape).replace(" ", ""))):
            m.Stream(params, m.State(*numbers.state))(x)


# --- what is wrong -------------------------------------------------------------------------------


@pytest.mark.parametrize("spec", ["lstm", "slstm"])
def test_what_is_wrong_is_told_as_numpy_s_module_tells_it(spec):
    """Word for word, but for the name of the module."""
    told = []
    for m in (quick(spec), numpy(spec)):
        run = Run(m, np.random.default_rng(0))
        said = [message(*case[:2], m) for case in wrong_arguments(m, run)]
        assert len(said) > 100
        told.append(said)
    assert told[0] == told[1]


def message(function, arguments, m):
    with pytest.raises((TypeError, ValueError)) as error:
        function(**arguments)
    return function.__name__, error.type, str(error.value).replace(m.__name__, "MODULE")


def test_a_changed_tape_is_told_before_memory_is_read():
    m, numbers = quick("lstm"), Numbers(load("lstm"))
    params = numbers.params_of(m, numbers.params)
    _, _, tape = m.forward(params, numbers.xs[0], lengths=list(numbers.lengths))
    arrays = {k: a for k, a in tape._asdict().items() if isinstance(a, np.ndarray)}
    assert len(arrays) > 3
    for name, array in arrays.items():
        for bad, error in ((array[:-1], ValueError), (array.astype(np.float16), TypeError)):
            with pytest.raises(error, match=r"tape\.\w+ has"):
                m.backward(params, tape._replace(**{name: bad}), numbers.dys)
