"""The JAX modules against the NumPy modules, in float64, and under what JAX makes of functions."""

from __future__ import annotations

import ast
import itertools
import os
import subprocess
import sys
import types
from functools import partial

import numpy as np
import pytest
from hostile_cells import HOSTILE as HOSTILE_TO_DRAW
from hypothesis import Phase, given, settings
from reference import module_of
from some_cells import MATRICES, SEVERAL, VECTORS, first, sampled
from test_cells_random import any_cells
from written_cells import MATRICES as WITH_MATRICES
from written_cells import READABLE, UNPLEASANT

from derive import library
from derive.backends.jax.module import Module
from derive.backends.jax.words import FUNCTIONS
from derive.compiler import generate
from derive.library import load
from derive.program.policy import PER_OPERATION
from derive.program.program import Program
from derive.render import render

jax = pytest.importorskip("jax", reason="this is what make test-peers installs")
jnp = jax.numpy
pytestmark = pytest.mark.peers


@pytest.fixture(scope="module", autouse=True)
def precisely():
    """float64, and little time spent on compiling what runs once; for these tests alone."""
    jax.config.update("jax_disable_most_optimizations", True)
    with jax.enable_x64(True):
        yield
    jax.config.update("jax_disable_most_optimizations", False)


T, B = 4, 3
LENGTHS = [2, 4, 0]  # one ends early, one not at all, one has not begun
NAMES = ["gru:reset=after", *VECTORS, *MATRICES, *SEVERAL]
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
        names = Module(Program(cell, policy=PER_OPERATION))
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
    """Whether the leaves of two trees are the same but for rounding; NumPy's Params are none."""
    if hasattr(wanted, "keys"):
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


OPTIONS = [
    f"{name}:{option.name}={choice}"
    for name in library.names()
    for option in load(name).options
    for choice in option.choices
    if choice != option.default
]


@pytest.mark.every
@pytest.mark.parametrize("name", OPTIONS)
def test_every_option(name):
    agrees(load(name), LENGTHS)


@settings(max_examples=6, deadline=None, derandomize=True, database=None, phases=[Phase.generate])
@given(any_cells())
def test_random_cells(cell):
    if cell is not None:
        agrees(cell, LENGTHS, bound=1e-9)


HOSTILE = [*HOSTILE_TO_DRAW, *READABLE, *UNPLEASANT, *WITH_MATRICES]


@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["full", "ragged"])
@pytest.mark.parametrize("cell", first(3, HOSTILE[::-1]), ids=lambda cell: cell.title)
def test_cells_that_somebody_wrote(cell, lengths):
    agrees(cell, lengths)


NAMES_OF_OTHERS = """
from derive.language import Axis, Cell, H, I, Input, Matrix, Scalar, State, StepNumber, Vector
from derive.language import mean, tanh, where

P = Axis("T", "key")


class Params(Cell):
    x, t = Input(), StepNumber()
    carry, count = State(), State(P)
    W, U, b, half = Matrix(H, I), Matrix(H, H), Vector(H), Vector(H, at=lambda row: row / 2)
    one, past, jnp = Scalar(at=0.5), Matrix(P, H), Vector(P)
    lax = Matrix(H, H, trained=False, at=lambda i, j: where(i >= j, 1, 0))

    now = tanh(W.now @ x + U.now @ carry + b.now)
    ended = half * now + one * (lax @ carry) / t
    carry_next = ended + mean(count)
    kept = tanh(past @ carry + jnp)
    count_next = kept + where(mean(ended) > 0, 1, -1)
"""


@pytest.fixture
def hostile(tmp_path):
    """A cell whose names JAX, tuples, or the module have already."""
    (tmp_path / "mine.py").write_text(NAMES_OF_OTHERS, encoding="utf-8")
    return load(str(tmp_path / "mine.py"))


@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["full", "ragged"])
def test_names_that_others_have(hostile, lengths):
    agrees(hostile, lengths)


def test_first_values(hostile):
    m = jax_module(hostile)
    params = m.init(jax.random.key(0), 2, 3, 4)
    assert params.lax.tolist() == np.tri(3).tolist()
    assert params.half.tolist() == [0, 0.5, 1] and params.one == 0.5
    assert params.W_now.shape == (3, 2) and abs(params.W_now).max() <= np.sqrt(6 / 5)
    again, other = (m.init(jax.random.key(k), 2, 3, 4) for k in (0, 1))
    assert (again.W_now == params.W_now).all() and (other.W_now != params.W_now).all()
    assert params.W_now.dtype == float and (params.U_now.ravel()[:6] != params.W_now.ravel()).all()


@pytest.mark.parametrize("name", ["lstm", "slstm", "gla", *SEVERAL])
def test_less_is_kept_for_the_same_derivatives(name):
    agrees(load(name), LENGTHS, store="states")


def agrees(cell, lengths, store="all", bound=1e-12):
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
        close(found, wanted, bound)
        close(found_ends, tuple(wanted_ends), bound)
    for found, wanted in ((gradient, (dparams, dxs, dstate)), (moved, second)):
        for one, other in zip(found, wanted, strict=True):
            is_named = isinstance(other, tuple) and not hasattr(other, "keys")
            close(one, tuple(other) if is_named else other, bound)


# --- what JAX makes of functions ------------------------------------------------------------------


@pytest.fixture(scope="module")
def lstm():
    return Both(load("lstm"))


def loss_of(both, lengths=None):
    def loss(params, xs, state):
        ys, ends = both.jax.forward(params, xs, state, lengths)
        return (ys**2).sum() + sum(end.sum() for end in ends)

    return loss


def test_derivatives_of_three_orders_are_those_of_small_differences():
    from jax.test_util import check_grads

    both = Both(load("rnn"))
    given = both.given(both.params, both.xs[:2], both.state)
    loss = jax.jit(loss_of(both, np.array([1, 2, 0])))
    check_grads(loss, given, order=3, modes=["rev"], eps=1e-4)


def test_orders_and_directions_of_second_derivatives_agree(lstm):
    params, xs, state = lstm.given(lstm.params, lstm.xs[:2, :1], lstm.state)
    state = jax.tree.map(lambda s: s[:1], state)

    def loss(xs):
        return loss_of(lstm)(params, xs, state)

    def tangent(xs):  # of the loss, along xs itself
        out, dots = lstm.jax.jvp(params, xs, jax.tree.map(jnp.zeros_like, params), xs, state)
        return 2 * (out[0] * dots[0]).sum() + sum(dot.sum() for dot in dots[1])

    @jax.jit
    def all_of_them(xs):
        gradient, hessian = jax.grad(loss)(xs), jax.hessian(loss)(xs)
        whole = gradient + jnp.tensordot(hessian, xs, 3)  # of the loss's slope along xs
        return hessian, jax.jacrev(jax.jacrev(loss))(xs), jax.grad(tangent)(xs), whole

    forward_over_reverse, reverse_twice, reverse_over_forward, whole = all_of_them(xs)
    close(forward_over_reverse, reverse_twice)
    close(reverse_over_forward, whole)


def test_jax_s_own_forward_mode_is_refused(lstm):
    params, xs, state = lstm.given(lstm.params, lstm.xs, lstm.state)
    with pytest.raises(TypeError, match="custom_vjp"):
        jax.jvp(lambda xs: lstm.jax.forward(params, xs, state), (xs,), (xs,))


def test_every_sequence_and_every_set_of_parameters_by_itself(lstm):
    given = lstm.given(lstm.params, lstm.xs, lstm.state)
    gradient = jax.grad(loss_of(lstm))
    whole = jax.jit(gradient)(*given)
    alone = given[0], given[1][:, :, None], jax.tree.map(lambda s: s[:, None], given[2])
    each = jax.jit(jax.vmap(gradient, in_axes=(None, 1, 0)))(*alone)
    close(jax.tree.map(lambda g: g.sum(0), each), whole)
    several = jax.tree.map(lambda p: jnp.stack([p, 2 * p]), given[0])
    both = jax.jit(jax.vmap(gradient, in_axes=(0, None, None)))(several, *given[1:])
    close(jax.tree.map(lambda g: g[0], both), whole)


def test_lengths_may_be_traced(lstm):
    given = lstm.given(lstm.params, lstm.xs, lstm.state)
    run = jax.jit(lambda lengths: loss_of(lstm, lengths)(*given))
    close(run(jnp.array(LENGTHS)), loss_of(lstm, np.array(LENGTHS))(*given))
    close(run(jnp.array([2, 99, -1])), run(jnp.array(LENGTHS)))  # when nobody can look at them


SHARDED = """
import sys, types
import jax, jax.numpy as jnp
from jax.sharding import AxisType, PartitionSpec as P

jax.config.update("jax_enable_x64", True)
module = types.ModuleType("sharded")
sys.modules["sharded"] = module
exec(sys.stdin.read(), vars(module))
params = module.init(jax.random.key(0), 2, 3)
xs = jax.random.normal(jax.random.key(1), (5, 4, 2))
lengths = jnp.array([5, 2, 0, 3])
mesh = jax.make_mesh((2,), ("data",), axis_types=(AxisType.Auto,))
assert mesh.size == 2


def loss(params, xs, lengths):
    ys, state = module.forward(params, xs, lengths=lengths)
    return (ys**2).sum() + sum(s.sum() for s in state)


def gradients(params, xs, lengths):
    return jax.grad(loss, argnums=(0, 1))(params, xs, lengths)


def second(params, xs, lengths):
    return jax.jvp(lambda *given: gradients(*given, lengths), (params, xs), (params, xs))[1]


for function in (gradients, second):
    inside = (P(), P(None, "data"), P("data"))
    parted = jax.shard_map(function, mesh=mesh, in_specs=inside, out_specs=inside[:2])
    found, wanted = (jax.jit(f)(params, xs, lengths) for f in (parted, function))
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(wanted), strict=True):
        assert jnp.allclose(one, other, rtol=1e-12, atol=1e-12), (function, one, other)
"""


def test_two_devices_have_the_gradients_of_one():
    (text,) = generate(load("lstm"), "jax").values()
    flags = "--xla_force_host_platform_device_count=2"
    environment = {**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}
    subprocess.run(
        [sys.executable, "-c", SHARDED], input=text, env=environment, check=True, text=True
    )


# --- what is unusual ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["lstm", "mamba2", "t_lstm"])
def test_no_steps_and_one_sequence(name):
    both = Both(load(name))
    params, xs, state = both.given(both.params, both.xs, both.state)
    none = jax.tree.map(lambda x: x[:0], xs)
    ys, ends = both.jax.forward(params, none, state, np.zeros(B, int))
    assert ys.shape[:2] == (0, B)
    close(ends, state)
    gradient = jax.jit(jax.grad(loss_of(both), argnums=(0, 2)))(params, none, state)
    assert not any(leaf.any() for leaf in jax.tree.leaves(gradient[0]))
    close(gradient[1], jax.tree.map(jnp.ones_like, state))
    one = jax.tree.map(lambda x: x[:, :1], xs), jax.tree.map(lambda s: s[:1], state)
    run = jax.jit(both.jax.forward)
    close(run(params, *one)[0], run(params, xs, state)[0][:, :1])


@pytest.mark.parametrize("name", ["lstm", "gru_d"])
def test_what_is_past_an_end_is_not_read(name):
    both = Both(load(name))
    params, xs, state = both.given(both.params, both.xs, both.state)
    past = np.arange(T)[:, None] >= LENGTHS

    def spoilt(x):
        return jnp.where(past.reshape(T, B, *[1] * (x.ndim - 2)), jnp.nan, x)

    gradient = jax.jit(jax.value_and_grad(loss_of(both, np.array(LENGTHS)), argnums=(0, 1, 2)))
    close(gradient(params, jax.tree.map(spoilt, xs), state), gradient(params, xs, state), 0)


@pytest.mark.parametrize("name", ["slstm", "linear_attention"])
def test_a_sequence_that_has_not_begun_starts_where_all_do(name):
    """A state may start at 0 that others are divided by from the first step on."""
    both = Both(load(name))
    params, xs, _ = both.given(both.params, both.xs, both.state)
    loss = loss_of(both, np.array(LENGTHS))
    value, gradient = jax.jit(jax.value_and_grad(lambda params: loss(params, xs, None)))(params)
    ys, ends, tape = both.numpy.forward(both.params, both.xs, None, np.array(LENGTHS))
    close(value, (ys**2).sum() + sum(end.sum() for end in ends))
    ones = both.numpy.State(*map(np.ones_like, ends))
    close(gradient, both.numpy.backward(both.params, tape, 2 * ys, ones)[0])


def test_values_that_saturate(lstm):
    given = lstm.given(lstm.params, 1e6 * lstm.xs, lstm.state)

    def gradient(*given):
        return jax.grad(loss_of(lstm), argnums=(0, 1, 2))(*given)

    found = jax.jit(lambda *given: jax.jvp(gradient, given, given))(*given)
    assert all(jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(found))


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
@pytest.mark.parametrize("name", ["slstm", "t_lstm"])
def test_all_are_of_the_parameters_dtype(name, dtype):
    both = Both(load(name))
    given = both.given(both.params, both.xs, both.state)
    params, xs, state = jax.tree.map(lambda a: a.astype(dtype), given)

    @jax.jit
    def all_of_them(params):
        gradient = jax.grad(lambda params: loss_of(both, np.array(LENGTHS))(params, xs, state))
        return both.jax.forward(params, xs, state), *jax.jvp(gradient, (params,), (params,))

    for leaf in jax.tree.leaves(all_of_them(params)):
        assert leaf.dtype == dtype and jnp.isfinite(leaf).all()


@pytest.mark.parametrize("name", ["lstm", "qrnn", "t_lstm", "mamba2"])
def test_step_by_step(name):
    streams(Both(load(name)))


def test_step_by_step_by_number(hostile):
    both = Both(hostile)
    streams(both)
    params, xs, state = both.given(both.params, both.xs, both.state)
    ys, ends = both.jax.forward(params, xs, state)
    _, after_one = both.jax.forward(params, xs[:1], state)
    close(both.jax.forward(params, xs[1:], after_one, first=2), (ys[1:], ends))


def streams(both):
    params, xs, state = both.given(both.params, both.xs, both.state)
    run, step = jax.jit(both.jax.forward), jax.jit(both.jax.step)
    ys, ends = run(params, xs, state)
    for t in range(T):
        x = jax.tree.map(lambda x, t=t: x[t], xs)
        number = {"number": t + 1} if both.cell.number else {}
        y, state = step(params, x, state, **number)
        close(y, ys[t])
    close(state, tuple(ends))


MISTAKES = {
    "params": (
        lambda m, p: m.forward({}, jnp.zeros((4, 1, 2))),
        TypeError,
        "params must be Params",
    ),
    "a parameter": (
        lambda m, p: m.forward(p._replace(U_f=jnp.zeros((3, 2))), jnp.zeros((4, 1, 2))),
        ValueError,
        "params.U_f has shape (3, 2), but (3, 3)",
    ),
    "xs": (
        lambda m, p: m.forward(p, jnp.zeros((4, 1, 3))),
        ValueError,
        "xs has shape (4, 1, 3), but (T, B, 2)",
    ),
    "dtype": (
        lambda m, p: m.forward(p, jnp.zeros((4, 1, 2), jnp.float32)),
        TypeError,
        "xs has dtype float32",
    ),
    "whole numbers": (
        lambda m, p: m.forward(jax.tree.map(lambda a: a.astype(int), p), jnp.zeros((4, 1, 2), int)),
        TypeError,
        "floats",
    ),
    "state": (
        lambda m, p: m.forward(p, jnp.zeros((4, 1, 2)), jnp.zeros((1, 3))),
        TypeError,
        "state must be State(h, c)",
    ),
    "state shape": (
        lambda m, p: m.forward(p, jnp.zeros((4, 1, 2)), (jnp.zeros((1, 3)), jnp.zeros((2, 3)))),
        ValueError,
        "state.c has shape (2, 3), but (1, 3)",
    ),
    "lengths": (
        lambda m, p: m.forward(p, jnp.zeros((4, 1, 2)), lengths=[5]),
        ValueError,
        "T = 4",
    ),
    "lengths that are no numbers of steps": (
        lambda m, p: m.forward(p, jnp.zeros((4, 1, 2)), lengths=[1.5]),
        TypeError,
        "integers",
    ),
    "direction": (
        lambda m, p: m.jvp(p, jnp.zeros((4, 1, 2)), p, jnp.zeros((3, 1, 2))),
        ValueError,
        "xs_dot is float64 (3, 1, 2), but float64 (4, 1, 2)",
    ),
    "size": (lambda m, p: m.init(jax.random.key(0), 2, 0), ValueError, "hidden_size"),
    "dtype of init": (lambda m, p: m.init(jax.random.key(0), 2, 3, int), TypeError, "floats"),
}


@pytest.mark.parametrize("is_traced", [False, True], ids=["now", "traced"])
@pytest.mark.parametrize("name", MISTAKES)
def test_what_is_wrong_is_said_in_one_sentence(lstm, name, is_traced):
    make, kind, said = MISTAKES[name]
    params = lstm.jax.init(jax.random.key(0), 2, 3)
    run = partial(make, lstm.jax)
    with pytest.raises(kind) as error:
        (jax.jit(run) if is_traced else run)(params)
    assert said in str(error.value).splitlines()[0]


def test_float64_has_to_be_asked_for():
    m = jax_module(load("rnn"))
    with jax.enable_x64(False):
        with pytest.raises(TypeError, match="jax_enable_x64"):
            m.init(jax.random.key(0), 2, 3, jnp.float64)
        assert m.init(jax.random.key(0), 2, 3).W.dtype == jnp.float32


# --- words ----------------------------------------------------------------------------------------

LOOPS = ("_forward_loop", "_backward_loop", "_tangent_loop", "_second_order_loops")


def test_no_quantity_is_called_as_the_module_s_own_words_are():
    """A name in a loop was given out by `Names`, or is one that nothing else may have."""
    for name in (*VECTORS, *SEVERAL):
        module = Module(Program(load(name), policy=PER_OPERATION))
        text = render("jax/module.py.j2", module=module)
        known = set(module.names.given.values()) | FUNCTIONS
        loops = [node for node in ast.parse(text).body if getattr(node, "name", "") in LOOPS]
        assert len(loops) == len(LOOPS)
        for node in loops:
            words = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
            words |= {n.arg for n in ast.walk(node) if isinstance(n, ast.arg)}
            assert {word for word in words if not word.startswith("_")} <= known, name
