"""The JAX modules against the NumPy modules, in float64, and under what JAX makes of functions."""

from __future__ import annotations

import ast
import itertools
import subprocess
import sys
import types
from functools import partial

import numpy as np
import pytest
from hostile_cells import HOSTILE as HOSTILE_TO_DRAW
from reference import module_of
from some_cells import MATRICES, SEVERAL, SOME, first, sampled
from written_cells import MATRICES as WITH_MATRICES
from written_cells import READABLE, UNPLEASANT

from derive import library
from derive.backends.jax.module import Module
from derive.backends.jax.words import FUNCTIONS
from derive.compiler import generate
from derive.library import load
from derive.program.program import Program
from derive.render import render

jax = pytest.importorskip("jax", reason="this is what make test-peers installs")
jax.config.update("jax_enable_x64", True)
jax.config.update("jax_disable_most_optimizations", True)  # what is compiled runs once
jnp = jax.numpy
pytestmark = pytest.mark.peers

T, B = 4, 3
LENGTHS = [2, 4, 0]  # one ends early, one not at all, one has not begun
NAMES = ["gru:reset=after", *SOME, *MATRICES, *SEVERAL]
EVERY = [*NAMES, *(name for name in library.names() if name not in NAMES)]
_numbers = itertools.count()


def jax_module(cell, store="all"):
    """A cell's generated JAX module, imported."""
    (text,) = generate(cell, "jax", store).values()
    module = types.ModuleType(f"jax_for_a_test_{next(_numbers)}")
    sys.modules[module.__name__] = module  # annotations look a module up by its name
    exec(compile(text, f"<{cell.name}>", "exec"), vars(module))
    return module


class Both:
    """A cell in NumPy and in JAX, with the same random parameters, inputs and states."""

    def __init__(self, cell, store="all", seed=0):
        self.cell, self.numpy, self.jax = cell, module_of(cell), jax_module(cell, store)
        self.rng = np.random.default_rng(seed)
        names = Module(Program(cell))
        sizes = {a: {"input_size": 2, "hidden_size": 3}.get(a, 4) for a in names.arguments}
        if cell.input_is_wide:
            sizes["input_size"] = sizes["hidden_size"]
        self.sizes = sizes
        self.shapes = [[sizes[names.names.argument(a)] for a in q.axes] for q in cell.inputs]
        self.params, self.xs = self.draw_params(), self.draw_inputs()
        self.state = self.draw_state()

    def draw(self, *shape):
        return self.rng.standard_normal(shape)

    def draw_params(self):
        params = self.numpy.Params(*self.sizes.values())
        params.flat = 0.7 * self.draw(params.flat.size)
        return params

    def draw_inputs(self):
        arrays = [self.draw(T, B, *shape) for shape in self.shapes]
        return arrays[0] if len(arrays) == 1 else self.numpy.Inputs(*arrays)

    def draw_state(self):
        _, state, _ = self.numpy.forward(self.params, self.xs)
        return self.numpy.State(*(0.5 * self.draw(*s.shape) + 1 for s in state))

    def given(self, params, xs, state):
        """NumPy's as JAX's."""
        m = self.jax
        inputs = jnp.asarray(xs) if not isinstance(xs, tuple) else m.Inputs(*map(jnp.asarray, xs))
        named = m.Params(**{name: jnp.asarray(np.array(params[name])) for name in m.Params._fields})
        return named, inputs, m.State(*map(jnp.asarray, state))


def close(found, wanted, bound=1e-12):
    """Whether the leaves of two trees are the same but for rounding."""
    if isinstance(found, tuple) and hasattr(wanted, "keys"):
        wanted = [wanted[name] for name in found._fields]
    pairs = zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True)
    for one, other in ((np.asarray(one), np.asarray(other)) for one, other in pairs):
        assert one.shape == other.shape, (one.shape, other.shape)
        assert one.dtype == other.dtype, (one.dtype, other.dtype)
        scale = max(1.0, float(np.max(np.abs(other), initial=0)))
        error = float(np.max(np.abs(one - other), initial=0)) / scale
        assert error <= bound, error


@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["full", "ragged"])
@pytest.mark.parametrize("name", sampled(EVERY, NAMES))
def test_outputs_and_derivatives_are_those_of_the_numpy_module(name, lengths):
    agrees(load(name), lengths)


HOSTILE = [*HOSTILE_TO_DRAW, *READABLE, *UNPLEASANT, *WITH_MATRICES]


@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["full", "ragged"])
@pytest.mark.parametrize("cell", first(3, HOSTILE[::-1]), ids=lambda cell: cell.title)
def test_cells_that_somebody_wrote(cell, lengths):
    agrees(cell, lengths)


@pytest.mark.parametrize("name", ["lstm", "slstm", "gla", *SEVERAL])
def test_less_is_kept_for_the_same_derivatives(name):
    agrees(load(name), LENGTHS, store="states")


def agrees(cell, lengths, store="all"):
    both = Both(cell, store)
    m, params = both.numpy, both.params
    lengths = None if lengths is None else np.array(lengths)
    ys, ends, tape = m.forward(params, both.xs, both.state, lengths)
    seeds = both.draw(*ys.shape), m.State(*(both.draw(*e.shape) for e in ends))
    dparams, dxs, dstate = m.backward(params, tape, *seeds)
    along = both.draw_params(), both.draw_inputs(), both.draw_state()
    ys_dot, ends_dot = m.jvp(params, tape, *along)
    second = m.hvp(params, tape, seeds[0], *along, seeds[1])

    given, dots = both.given(params, both.xs, both.state), both.given(*along)
    seeds = jax.tree.map(jnp.asarray, (seeds[0], both.jax.State(*seeds[1])))

    @jax.jit
    def all_at_once(given, dots):
        def gradient(*given):
            out, pulled = jax.vjp(lambda *given: both.jax.forward(*given, lengths), *given)
            return pulled(seeds), out

        (first, out), (second, _) = jax.jvp(gradient, given, dots)
        params, xs, state = given
        params_dot, xs_dot, state_dot = dots
        own = both.jax.jvp(params, xs, params_dot, xs_dot, state, state_dot, lengths)
        return out, first, second, own

    out, gradient, moved, (again, tangents) = all_at_once(given, dots)
    for (found, found_ends), (wanted, wanted_ends) in (
        (out, (ys, ends)),
        (again, (ys, ends)),
        (tangents, (ys_dot, ends_dot)),
    ):
        close(found, wanted)
        close(found_ends, tuple(wanted_ends))
    for found, wanted in ((gradient, (dparams, dxs, dstate)), (moved, second)):
        for one, other in zip(found, wanted, strict=True):
            close(one, other if hasattr(other, "keys") or not isinstance(other, tuple) else tuple(other))
