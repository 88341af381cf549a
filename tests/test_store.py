"""A module that keeps checkpoints gives what one gives that keeps all, in less memory."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest
import reference
from compiled import as_built
from some_cells import first, sampled

from derive import compiler, library
from derive.nodes import CellError

B = 3


class Both:
    """The module of a cell that keeps all, and another, on the same numbers."""

    def __init__(self, name, make=reference.module_of):
        self.cell = cell = library.load(name)
        self.modules = [make(cell, store) for store in ("all", "checkpoints")]
        self.modules[1]._WORTH = 1  # segments of √T steps, however few
        self.rng = np.random.default_rng(0)
        lengths = {"input_size": 4 if cell.input_is_wide else 3}
        self.sizes = [lengths.get(axis.argument, 4) for axis in cell.axes]

    def numbers(self, T, *, ragged, given):
        """What the routines are given, as plain arrays."""
        params = self.modules[0].Params(*self.sizes)
        length = {axis: getattr(params, axis.argument) for axis in self.cell.axes}
        number = {"first": np.array([3, 1, 9])} if self.cell.number else {}

        def drawn(*shape):
            return self.rng.standard_normal(shape)

        def of_each(quantities, *leading):
            return [drawn(*leading, *(length[a] for a in q.axes)) for q in quantities]

        def state():
            return [drawn(B, *([length[a] for a in s.axes] or [1])) for s in self.cell.states]

        output = [length[a] for a in self.cell.output.axes] or [1]
        several = len(self.cell.inputs) > 1  # of which some are times and masks
        return {
            "flat": drawn(params.flat.size) / 2,
            "flat_dot": drawn(params.flat.size),
            "xs": [np.abs(x) if several else x for x in of_each(self.cell.inputs, T, B)],
            "xs_dot": of_each(self.cell.inputs, T, B),
            "state": [np.abs(x) for x in state()] if given else None,
            "states": [state() for _ in range(3)],
            "lengths": np.array([T, T // 2, 0]) if ragged else None,
            "dys": drawn(T, B, *output),
            "dys_dot": drawn(T, B, *output),
            "number": number,
        }

    def run(self, module, n):
        """All that the routines give."""
        params, along = (module.Params(*self.sizes) for _ in range(2))
        params.flat, along.flat = n["flat"], n["flat_dot"]
        xs, xs_dot = (
            some[0] if len(some) == 1 else module.Inputs(*some) for some in (n["xs"], n["xs_dot"])
        )
        state = n["state"] and module.State(*n["state"])
        dstate, state_dot, dstate_dot = (module.State(*one) for one in n["states"])
        seeds, seeds_dot = n["dys"], n["dys_dot"]
        ys, last, tape = module.forward(params, xs, state, n["lengths"], **n["number"])
        yield "forward", (ys, last)
        yield "backward", module.backward(params, tape, seeds, dstate)
        yield "backward alone", module.backward(params, tape, seeds)
        yield "jvp", module.jvp(params, tape, along, xs_dot, state_dot)
        yield "jvp alone", module.jvp(params, tape, along)
        more = xs_dot, state_dot, dstate, seeds_dot, dstate_dot
        yield "hvp", module.hvp(params, tape, seeds, along, *more)
        yield "hvp alone", module.hvp(params, tape, seeds, along)

    def check(self, T, **how):
        n = self.numbers(T, **how)
        with np.errstate(all="ignore"):  # as both do alike
            pairs = zip(*(self.run(module, n) for module in self.modules), strict=True)
            for (name, wanted), (_, found) in pairs:
                wanted, found = list(arrays(wanted)), list(arrays(found))
                scale = max([1e-30, *(np.abs(a).max(initial=0) for a in wanted)])
                for a, b in zip(wanted, found, strict=True):
                    assert a.shape == b.shape and a.dtype == b.dtype, name
                    assert np.abs(a - b).max(initial=0) <= 1e-12 * scale, name


def compiled(cell, store):
    return as_built(cell.name, store)


def arrays(given):
    """The arrays in what a routine gives."""
    if isinstance(given, np.ndarray):
        yield given
    elif isinstance(given, tuple):
        for one in given:
            yield from arrays(one)
    else:
        yield given.flat


@pytest.mark.parametrize("name", sampled([*library.names(), "gru:reset=after"], [
    "lstm", "gru_d", "slstm", "qrnn", "mlstm"]))  # fmt: skip
def test_checkpoints_give_the_same(name):
    """No step, one, two, a prime number of them; in one segment and in several."""
    both = Both(name)
    for T in (0, 1, 2, 13):
        both.check(T, ragged=T % 2 == 1, given=T != 2)
    both.check(12, ragged=False, given=False)
    both.modules[1]._WORTH = 7 * B
    both.check(13, ragged=True, given=False)


@pytest.mark.compiler
@pytest.mark.parametrize("name", first(1, ["lstm", "t_lstm", "unicornn"]))
def test_compiled_ones_do(name):
    both = Both(name, compiled)
    for T in (0, 1, 13):
        both.check(T, ragged=T == 13, given=T == 1)


@pytest.mark.compiler
@pytest.mark.parametrize("name", first(1, ["lstm", "t_lstm"]))
def test_a_run_without_a_tape(name):
    """What forward gives, all at once or in parts."""
    both = Both(name, compiled)
    n, module = both.numbers(20, ragged=False, given=True), both.modules[1]
    params, state = module.Params(*both.sizes), module.State(*n["state"])
    params.flat = n["flat"]
    given = [x[:9] for x in n["xs"]], [x[9:] for x in n["xs"]], n["xs"]
    first, second, xs = (some[0] if len(some) == 1 else module.Inputs(*some) for some in given)
    ys, last, _ = module.forward(params, xs, state)
    one, between = module.run(params, first, state)
    two, end = module.run(params, second, between)
    assert np.allclose(np.concatenate([one, two]), ys, rtol=1e-12, atol=1e-14)
    assert all(np.allclose(a, b, rtol=1e-12, atol=1e-14) for a, b in zip(end, last, strict=True))
    assert all(map(np.array_equal, state, n["state"]))  # the caller's stays


@pytest.mark.parametrize("T", [1, 2, 3, 4, 5, 16, 17, 101, 400])
def test_segments(T):
    module = compiler.module(library.load("rnn"), "checkpoints")
    module._WORTH = 1
    segments = module._segments(T, 1)
    assert [t for steps in segments for t in range(steps.start, steps.stop)] == [*range(T)]
    assert len(segments) <= math.isqrt(T) + 1
    assert all(steps.stop - steps.start <= math.isqrt(T) + 1 for steps in segments)
    module._WORTH = 64
    assert all(steps.stop - steps.start >= 16 for steps in module._segments(T, 4)[:-1])


def kept(module, T):
    """What is in memory after forward, and at the most, beside xs, ys and dxs."""
    params = module.init(np.random.default_rng(0), 1, 16)
    xs, dys = np.zeros((T, 4, 1)), np.zeros((T, 4, 16))
    tracemalloc.start()
    try:
        ys, _, tape = module.forward(params, xs)
        after = tracemalloc.get_traced_memory()[0]
        module.backward(params, tape, dys)
        return after - ys.nbytes, tracemalloc.get_traced_memory()[1] - ys.nbytes - xs.nbytes
    finally:
        tracemalloc.stop()


def test_memory_grows_with_the_root():
    """Sixteen times the steps, four times the memory, a thirtieth of what all would be."""
    cell = library.load("lstm")
    modules = [compiler.module(cell, store) for store in ("all", "checkpoints")]
    modules[1]._WORTH = 1
    (short, short_peak), (long, peak) = (kept(modules[1], T) for T in (256, 4096))
    assert long < 4.5 * short and peak < 4.5 * short_peak
    _, everything = kept(modules[0], 4096)
    assert peak < everything / 15


def test_what_the_caller_changes_afterwards():
    """The tape refers to xs, and to nothing else that the caller has."""
    both = Both("lstm")
    n = both.numbers(9, ragged=True, given=True)
    module = both.modules[1]
    params, xs = module.Params(*both.sizes), n["xs"][0]
    params.flat, state, lengths = n["flat"], module.State(*n["state"]), n["lengths"]
    _, _, tape = module.forward(params, xs, state, lengths)
    wanted = module.backward(params, tape, n["dys"])
    state.h[...], state.c[...], lengths[...] = 7, 7, 9
    found = module.backward(params, tape, n["dys"])
    assert all(map(np.array_equal, arrays(wanted), arrays(found)))


def test_wrong_arguments_are_named_as_they_were_given():
    """Not by the shape of a segment; and before anything is computed."""
    module = compiler.module(library.load("lstm"), "checkpoints")
    other = compiler.module(library.load("lstm"))
    params = module.init(np.random.default_rng(0), 3, 4)
    wider = module.Params(3, 5)
    xs, dys, wide = (np.zeros((900, 2, n)) for n in (3, 4, 5))
    tape = module.forward(params, xs)[2]
    for wrong, said in (
        (lambda: module.forward(params, xs[..., :2]), r"xs has shape \(900, 2, 2\)"),
        (lambda: module.forward(params, xs, lengths=[901, 1]), r"between 0 and T = 900"),
        (lambda: module.backward(params, tape, dys[1:]), r"dys has shape \(899, 2, 4\)"),
        (lambda: module.jvp(params, tape, params, dys), r"xs_dot has shape \(900, 2, 4\)"),
        (lambda: module.hvp(params, tape, dys, params, dys_dot=xs), r"dys_dot has shape"),
        (lambda: module.backward(wider, tape, wide), r"tape\.last\.h_s has shape"),
    ):
        with pytest.raises(ValueError, match=said):
            wrong()
    with pytest.raises(TypeError, match="tape must be the Tape that forward returned"):
        module.backward(params, other.forward(other.Params(3, 4), xs)[2], dys)


@pytest.mark.parametrize("target", ["javascript"])
def test_a_target_that_has_none_says_so(target):
    with pytest.raises(CellError, match=f"{target} has no module that keeps 'checkpoints'"):
        compiler.generate(library.load("rnn"), target, "checkpoints")


def test_a_page_says_what_is_kept():
    page = compiler.generate(library.load("lstm"), "markdown", "checkpoints")["lstm.md"]
    assert "kept from forward for backward: I numbers, and 2H before every √T-th step" in page
