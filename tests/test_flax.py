"""The Flax layers: against Flax's own LSTM, and as what trains."""

from __future__ import annotations

import sys
import types

import numpy as np
import pytest

from derive.backends.flax.module import Module
from derive.backends.flax.words import LAYER, MODULE
from derive.compiler import generate
from derive.library import load
from derive.program.program import Program

jax = pytest.importorskip("jax", reason="this is what make test-peers installs")
nnx = pytest.importorskip("flax.nnx", reason="this is what make test-peers installs")
optax = pytest.importorskip("optax", reason="Flax brings it along")
jnp = jax.numpy
pytestmark = pytest.mark.peers


@pytest.fixture(scope="module", autouse=True)
def settings():
    """float32, whatever other tests have set."""
    with jax.enable_x64(False):
        yield


ENTERING = {"i": "ii", "f": "if_", "g": "ig", "o": "io"}  # Flax's names

CONSTANTS = """
from derive.language import Cell, H, I, Input, Matrix, State, Vector, tanh


class Params(Cell):
    x, h = Input(), State()
    step, nnx = Matrix(H, I), Vector(H)
    train = Matrix(H, H, trained=False, at=lambda i, j: 1 / (1 + i + j))

    h_next = tanh(step @ x + train @ h + nnx)
"""


def flax_module(cell):
    """A cell's generated Flax module, imported."""
    (text,) = generate(cell, "flax").values()
    module = types.ModuleType(f"flax_for_a_test_{cell.name}")
    sys.modules[module.__name__] = module  # annotations look a module up by its name
    exec(compile(text, f"<{cell.name}>", "exec"), vars(module))
    return module


@pytest.fixture(scope="module")
def module():
    return flax_module(load("lstm"))


@pytest.fixture
def hostile(tmp_path):
    """A cell whose names Flax, or the layer, has already, and with what is not trained."""
    (tmp_path / "mine.py").write_text(CONSTANTS, encoding="utf-8")
    return flax_module(load(str(tmp_path / "mine.py")))


def test_it_computes_what_flax_s_own_does(module):
    theirs = nnx.LSTMCell(2, 3, rngs=nnx.Rngs(0))
    ours = module.LSTM(2, 3, rngs=nnx.Rngs(1))
    for gate in "ifgo":
        getattr(ours, f"W_{gate}")[...] = getattr(theirs, ENTERING[gate]).kernel[...].T
        getattr(ours, f"U_{gate}")[...] = getattr(theirs, f"h{gate}").kernel[...].T
        getattr(ours, f"b_{gate}")[...] = getattr(theirs, f"h{gate}").bias[...]
    xs, lengths = jax.random.normal(jax.random.key(2), (5, 3, 2)), jnp.array([5, 3, 1])

    @nnx.jit
    def our_loss(ours, xs):
        ys, state = ours(xs, lengths=lengths)
        return (ys[:3] ** 2).sum() + state.c.sum(), ys

    @nnx.jit
    def their_loss(theirs, xs):
        run = nnx.RNN(theirs, time_major=True, return_carry=True)
        (c, _), ys = run(xs, seq_lengths=lengths)
        ys = jnp.where((jnp.arange(5)[:, None] < lengths)[..., None], ys, 0)
        return (ys[:3] ** 2).sum() + c.sum(), ys

    found, ys = nnx.grad(our_loss, has_aux=True)(ours, xs)
    wanted, their_ys = nnx.grad(their_loss, has_aux=True)(theirs, xs)
    np.testing.assert_allclose(ys, their_ys, atol=1e-6)
    for gate in "ifgo":
        for one, other in (
            (found[f"W_{gate}"], wanted[ENTERING[gate]]["kernel"][...].T),
            (found[f"U_{gate}"], wanted[f"h{gate}"]["kernel"][...].T),
            (found[f"b_{gate}"], wanted[f"h{gate}"]["bias"][...]),
        ):
            np.testing.assert_allclose(one[...], other, atol=1e-5)


def test_it_is_trained(module):
    class Model(nnx.Module):
        def __init__(self, rngs):
            self.layer, self.out = module.LSTM(1, 8, rngs=rngs), nnx.Linear(8, 1, rngs=rngs)

        def __call__(self, xs):
            return self.out(self.layer(xs)[0])

    model = Model(nnx.Rngs(0))
    optimizer = nnx.Optimizer(model, optax.adam(0.02), wrt=nnx.Param)
    xs = jnp.sin(jnp.arange(40) / 3)[:, None, None]

    @nnx.jit
    def descend(model, optimizer):
        def loss(model):
            return ((model(xs[:-1]) - xs[1:]) ** 2).mean()

        value, gradient = nnx.value_and_grad(loss)(model)
        optimizer.update(model, gradient)
        return value

    values = [descend(model, optimizer) for _ in range(60)]
    assert values[-1] < 0.05 * values[0]


def test_what_is_not_trained_is_no_parameter(hostile):
    layer = hostile.Params_(2, 3, rngs=nnx.Rngs(0))
    _, trained, rest = nnx.split(layer, nnx.Param, ...)
    assert set(trained) == {"step_", "nnx"} and set(rest) == {"train_"}
    assert layer.params.train[1, 2] == 0.25
    xs = jnp.ones((2, 1, 2))
    gradient = nnx.grad(lambda layer: layer(xs)[0].sum())(layer)
    assert set(gradient) == {"step_", "nnx"}
    ys, state = layer(xs)
    y, _ = layer.step(xs[1], hostile.State(ys[0]))
    np.testing.assert_allclose(y, state.h, rtol=1e-6)


def test_several_inputs_and_a_dtype():
    m = flax_module(load("t_lstm"))
    layer = m.TLSTM(2, 3, dtype=jnp.bfloat16, rngs=nnx.Rngs(0))
    ys, _ = layer(m.Inputs(jnp.ones((4, 1, 2), jnp.bfloat16), jnp.ones((4, 1), jnp.bfloat16)))
    assert ys.dtype == jnp.bfloat16 and ys.shape == (4, 1, 3)


def test_no_parameter_is_called_as_an_attribute_of_a_layer_is(module):
    layer = module.LSTM(2, 3, rngs=nnx.Rngs(0))
    own = {p.name for p in load("lstm").parameters}
    assert {word for word in dir(layer) if not word.startswith("_")} - own <= LAYER
    assert set(Module(Program(load("lstm"))).words) >= MODULE
