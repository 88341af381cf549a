"""Weights of PyTorch, Keras, ONNX and Flax: with what is converted, the libraries themselves
compute what the generated modules do, in both directions.

How a conversion is found and proved: test_weights_match.py; files: test_weights_files.py.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pytest

from derive import compiler
from derive.library import load
from derive.weights.convert import from_library, to_library

T, B, I, H, P = 6, 3, 4, 5, 2

Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Layer:
    """A layer of a library: its arrays, drawn at random, and what it computes of inputs."""

    arrays: Callable[[np.random.Generator], Arrays]
    run: Callable[[Arrays, np.ndarray], np.ndarray]
    bound: float = 1e-12


def shaped(**shapes: tuple[int, ...]) -> Callable[[np.random.Generator], Arrays]:
    return lambda rng: {name: 0.7 * rng.standard_normal(shape) for name, shape in shapes.items()}


# --- PyTorch -------------------------------------------------------------------------------------


def torch_s(name: str, **settings: Any) -> Layer:
    def made() -> Any:
        torch = pytest.importorskip("torch", reason="this is what make test-peers installs")
        return getattr(torch.nn, name)(I, H, **settings).double()

    def arrays(rng: np.random.Generator) -> Arrays:
        shapes = {k: tuple(v.shape) for k, v in made().state_dict().items()}
        return shaped(**shapes)(rng)

    def run(arrays: Arrays, xs: np.ndarray) -> np.ndarray:
        import torch

        layer = made()
        layer.load_state_dict({k: torch.tensor(v) for k, v in arrays.items()})
        with torch.no_grad():
            return layer(torch.tensor(xs))[0].numpy()

    return Layer(arrays, run)


# --- Keras ---------------------------------------------------------------------------------------


def keras_s(name: str, **settings: Any) -> Layer:
    @cache
    def made() -> Any:
        os.environ.setdefault("KERAS_BACKEND", "torch")
        keras = pytest.importorskip("keras", reason="this is what make test-peers installs")
        keras.config.set_floatx("float64")
        layer = getattr(keras.layers, name)(H, return_sequences=True, dtype="float64", **settings)
        layer.build((B, T, I))
        return layer

    def arrays(rng: np.random.Generator) -> Arrays:
        return shaped(**{w.name: tuple(w.shape) for w in made().weights})(rng)

    def run(arrays: Arrays, xs: np.ndarray) -> np.ndarray:
        layer = made()
        layer.set_weights([arrays[w.name] for w in layer.weights])
        return layer(xs.swapaxes(0, 1)).detach().numpy().swapaxes(0, 1)

    return Layer(arrays, run, 1e-5)  # on PyTorch it multiplies float64 in float32


# --- Flax ----------------------------------------------------------------------------------------


def flax_s(name: str, **settings: Any) -> Layer:
    """A cell of flax.linen or flax.nnx, step by step."""
    room, _, title = name.partition(".")

    @cache
    def made() -> tuple[Arrays, Callable[[Arrays], Any]]:
        pytest.importorskip("flax", reason="this is what make test-peers installs")
        import jax
        from flax import linen, nnx
        from flax.traverse_util import flatten_dict, unflatten_dict

        jax.config.update("jax_enable_x64", True)
        is_lstm = "LSTM" in title
        states = (np.zeros((B, H)),) * 2 if is_lstm else np.zeros((B, H))
        activations = {k: getattr(jax.nn, v) for k, v in settings.items() if isinstance(v, str)}
        own = {**settings, **activations}
        if room == "linen":
            cell = getattr(linen, title)(H, dtype=float, param_dtype=float, **own)
            first = cell.init(jax.random.key(0), states, np.zeros((B, I)))["params"]

            def call(arrays: Arrays) -> Any:
                params = {"params": unflatten_dict(dict(arrays), sep=".")}
                return states, lambda state, x: cell.apply(params, state, x)
        else:
            cell = getattr(nnx, title)(
                I, H, dtype=float, param_dtype=float, rngs=nnx.Rngs(0), **own
            )
            first = nnx.to_pure_dict(nnx.state(cell, nnx.Param))

            def call(arrays: Arrays) -> Any:
                state = nnx.state(cell, nnx.Param)
                nnx.replace_by_pure_dict(state, unflatten_dict(dict(arrays), sep="."))
                nnx.update(cell, state)
                return states, cell

        return flatten_dict(first, sep="."), call

    def arrays(rng: np.random.Generator) -> Arrays:
        return shaped(**{name: tuple(a.shape) for name, a in made()[0].items()})(rng)

    def run(arrays: Arrays, xs: np.ndarray) -> np.ndarray:
        state, step = made()[1](arrays)
        ys = []
        for x in xs:
            state, y = step(state, x)
            ys.append(np.asarray(y))
        return np.stack(ys)

    return Layer(arrays, run)


# --- ONNX ----------------------------------------------------------------------------------------


def onnx_s(op: str, gates: int, peepholes: bool = False, **attributes: Any) -> Layer:
    """An operator, by ONNX's reference implementation in float64."""
    shapes = {"W": (1, gates * H, I), "R": (1, gates * H, H), "B": (1, 2 * gates * H)}
    shapes |= {"P": (1, 3 * H)} if peepholes else {}

    def run(arrays: Arrays, xs: np.ndarray) -> np.ndarray:
        model = one_node(op, arrays, **attributes)
        from onnx.reference import ReferenceEvaluator

        return ReferenceEvaluator(model).run(None, {"X": xs, **arrays})[0][:, 0]

    return Layer(shaped(**shapes), run)


def one_node(op: str, arrays: Arrays, **attributes: Any) -> Any:
    """A model of one recurrent node, whose weights are inputs."""
    pytest.importorskip("onnx", reason="this is what make test-peers installs")
    from onnx import TensorProto, helper

    inputs = ["X", "W", "R", "B" if "B" in arrays else "", "", "", "", "P"]
    inputs = inputs[: 8 if "P" in arrays else 4]
    node = helper.make_node(op, inputs, ["Y"], name="cell", hidden_size=H, **attributes)
    values = [
        helper.make_tensor_value_info(name, TensorProto.DOUBLE, None) for name in ["X", *arrays]
    ]
    ys = [helper.make_tensor_value_info("Y", TensorProto.DOUBLE, None)]
    graph = helper.make_graph([node], "one", values, ys)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)])


# --- all of them ---------------------------------------------------------------------------------

PROJECTED = torch_s("LSTM", proj_size=P)
CASES = {
    ("torch", "rnn"): torch_s("RNN"),
    ("torch", "rnn:activation=relu"): torch_s("RNN", nonlinearity="relu"),
    ("torch", "lstm"): torch_s("LSTM"),
    ("torch", "lstm_projection:peepholes=false"): PROJECTED,
    ("torch", "gru:reset=after"): torch_s("GRU"),
    ("keras", "rnn"): keras_s("SimpleRNN"),
    ("keras", "rnn:activation=relu"): keras_s("SimpleRNN", activation="relu"),
    ("keras", "lstm"): keras_s("LSTM"),
    ("keras", "gru"): keras_s("GRU", reset_after=False),
    ("keras", "gru:reset=after"): keras_s("GRU"),
    ("onnx", "rnn"): onnx_s("RNN", 1),
    ("onnx", "lstm"): onnx_s("LSTM", 4),
    ("onnx", "lstm_peephole"): onnx_s("LSTM", 4, peepholes=True),
    ("onnx", "gru"): onnx_s("GRU", 3),
    ("onnx", "gru:reset=after"): onnx_s("GRU", 3, linear_before_reset=1),
    ("flax", "rnn"): flax_s("linen.SimpleCell"),
    ("flax", "rnn:activation=relu"): flax_s("linen.SimpleCell", activation_fn="relu"),
    ("flax", "lstm"): flax_s("linen.LSTMCell"),
    ("flax", "gru:reset=after"): flax_s("linen.GRUCell"),
    ("flax", "ugrnn"): flax_s("linen.MGUCell", reset_gate=False),
    ("flax", "ligru"): flax_s("linen.MGUCell", reset_gate=False, activation_fn="relu"),
    ("flax.nnx.SimpleCell", "rnn"): flax_s("nnx.SimpleCell"),
    ("flax.nnx.LSTMCell", "lstm"): flax_s("nnx.LSTMCell"),
    ("flax.nnx.OptimizedLSTMCell", "lstm"): flax_s("nnx.OptimizedLSTMCell"),
}
TO = {  # what a library has as a special case of a layer of its own, and back only by chance
    ("torch", "lstm_coupled"): torch_s("LSTM"),
    ("torch", "paragru"): torch_s("GRU"),
    ("torch", "indrnn"): torch_s("RNN", nonlinearity="relu"),
    ("keras", "mgu"): keras_s("GRU", reset_after=False),
    ("onnx", "mgu"): onnx_s("GRU", 3),
    ("onnx", "paralstm"): onnx_s("LSTM", 4, peepholes=True),
    ("onnx", "lstm_cifg"): onnx_s("LSTM", 4, peepholes=True),
}
FROM = {  # what a library has that is a special case of a cell
    ("torch", "lstm_peephole"): torch_s("LSTM"),
    ("flax.nnx.GRUCell", "gru:reset=after"): flax_s("nnx.GRUCell"),
}


@cache
def module(what: str) -> Any:
    return compiler.module(load(what))


def drawn(what: str, rng: np.random.Generator) -> Any:
    """Parameters of a cell."""
    lengths = {"I": I, "H": H, "P": P}
    params = module(what).Params(*(lengths[axis.letter] for axis in load(what).axes))
    params.flat = 0.7 * rng.standard_normal(params.flat.size)
    return params


def outputs(what: str, parameters: Arrays, xs: np.ndarray) -> np.ndarray:
    """What a cell's module computes."""
    params = drawn(what, np.random.default_rng(0))
    for name, array in parameters.items():
        params[name] = array
    return module(what).forward(params, xs)[0]


def close(one: np.ndarray, other: np.ndarray, bound: float) -> None:
    np.testing.assert_allclose(one, other, rtol=bound, atol=bound)


@pytest.mark.peers
@pytest.mark.parametrize(("library", "what"), [*CASES, *FROM], ids=str)
def test_with_a_library_s_weights_a_cell_is_its_layer(library, what):
    rng = np.random.default_rng(1)
    layer = (CASES | FROM)[library, what]
    xs, arrays = rng.standard_normal((T, B, I)), layer.arrays(rng)
    done = from_library(load(what), library, arrays)
    assert not done.unused
    close(outputs(what, done.arrays, xs), layer.run(arrays, xs), layer.bound)


@pytest.mark.peers
@pytest.mark.parametrize(("library", "what"), [*CASES, *TO], ids=str)
def test_with_a_cell_s_weights_a_library_s_layer_is_the_cell(library, what):
    rng = np.random.default_rng(2)
    layer, xs = (CASES | TO)[library, what], rng.standard_normal((T, B, I))
    params = drawn(what, rng)
    done = to_library(load(what), library, params)
    assert not done.unused
    theirs = layer.arrays(rng)
    assert {k: a.shape for k, a in done.arrays.items()} == {k: a.shape for k, a in theirs.items()}
    close(layer.run(done.arrays, xs), outputs(what, params, xs), layer.bound)
