"""PyTorch's layers, for tests: beside the cell's NumPy module, with the same numbers."""

from __future__ import annotations

import itertools
import sys
import types

import numpy as np
import pytest
from compiled import DTYPES, compile_all, folder
from reference import module_of

from derive import build
from derive.backends import torch as own
from derive.backends.c import POLICY, files
from derive.backends.torch.module import Module
from derive.compiler import generate
from derive.library import load
from derive.program.program import Program

torch = pytest.importorskip("torch", reason="this is what make test-peers installs")

T, B = 4, 3
LENGTHS = [2, 4, 0]  # one ends early, one not at all, one has not begun
_numbers = itertools.count()

# A cell whose names PyTorch, or the module, has already.
NAMES_OF_OTHERS = """
from derive.language import Axis, Cell, H, I, Input, Matrix, Scalar, State, StepNumber, Vector
from derive.language import mean, tanh, where

P = Axis("T", "train")


class Tensor(Cell):
    x, t = Input(), StepNumber()
    given, tape = State(), State(P)
    W, U, b, half = Matrix(H, I), Matrix(H, H), Vector(H), Vector(H, at=lambda row: row / 2)
    to, past, nn = Scalar(at=0.5), Matrix(P, H), Vector(P)
    torch = Matrix(H, H, trained=False, at=lambda i, j: where(i >= j, 1, 0))

    seeds = tanh(W.seeds @ x + U.seeds @ given + b.seeds)
    ended = half * seeds + to * (torch @ given) / t
    given_next = ended + mean(tape)
    tape_next = tanh(past @ given + nn)
"""


def layer_module(cell, store="all"):
    """A cell's generated PyTorch module, imported."""
    (text,) = generate(cell, "torch", store).values()
    return imported(text, f"<{cell.name}>")


def built_module(cell, store="all"):
    """The same beside its compiled library, which is made quickly rather than well."""
    place = folder()
    for name, text in files(Program(cell, store, POLICY)).items():
        (place / name).write_text(text, encoding="utf-8")
    for dtype, define in zip(DTYPES, ([], [f"-D{cell.name.upper()}_DOUBLE"]), strict=True):
        library = place / f"{cell.name}_{dtype}{build.SUFFIX}"
        compile_all([place / f"{cell.name}.c"], library, *define)
    return imported(build.tensors(cell, store), str(place / f"{cell.name}.py"))


def imported(text, path):
    """A module of this text, as if it stood there."""
    module = types.ModuleType(f"torch_for_a_test_{next(_numbers)}")
    module.__file__ = path
    sys.modules[module.__name__] = module  # annotations and pickle look a module up by its name
    exec(compile(text, path, "exec"), vars(module))
    return module


class Both:
    """A cell in NumPy and in PyTorch, with the same random parameters, inputs and states."""

    def __init__(self, cell, store="all", seed=0, make=layer_module):
        self.cell, self.numpy = cell, module_of(cell)
        self.module = make(cell, store)
        self.rng = np.random.default_rng(seed)
        names = Module(Program(cell, policy=own.POLICY))
        sizes = [{"input_size": 2, "hidden_size": 3}.get(a, 4) for a in names.arguments]
        if cell.input_is_wide:
            sizes = [
                3 if a == "input_size" else n for a, n in zip(names.arguments, sizes, strict=True)
            ]
        self.sizes = dict(zip(names.arguments, sizes, strict=True))
        self.attributes = {p.name: name for p, name in names.attributes.items()}
        self.params = self.draw_params()
        self.xs = self.draw_inputs()
        self.state = self.draw_state()
        self.layer = getattr(self.module, names.title)(**self.sizes, dtype=torch.float64)
        with torch.no_grad():
            for p in cell.parameters:
                getattr(self.layer, self.attributes[p.name]).copy_(tensor(self.params[p.name]))

    def draw(self, *shape):
        return self.rng.standard_normal(shape)

    def draw_params(self):
        params = self.numpy.Params(*self.sizes.values())
        params.flat = 0.7 * self.draw(params.flat.size)
        return params

    def draw_inputs(self):
        shapes = [
            [
                self.sizes[Module(Program(self.cell, policy=own.POLICY)).names.argument(a)]
                for a in q.axes
            ]
            for q in self.cell.inputs
        ]
        arrays = [self.draw(T, B, *shape) for shape in shapes]
        return arrays[0] if len(arrays) == 1 else self.numpy.Inputs(*arrays)

    def draw_state(self):
        _, state, _ = self.numpy.forward(self.params, self.xs)
        return self.numpy.State(*(0.5 * self.draw(*s.shape) + 1 for s in state))

    # in PyTorch

    def trained(self):
        return [getattr(self.layer, self.attributes[p.name]) for p in self.cell.trained]

    def run(self, xs, state, **options):
        """(ys, final state) of a tuple of inputs, and of states with an axis of layers."""
        inputs = xs[0] if len(xs) == 1 else self.module.Inputs(*xs)
        ys, ends = self.layer(inputs, state[0] if len(state) == 1 else state, **options)
        return ys, ends if isinstance(ends, tuple) else (ends,)


def tensor(array):
    return torch.tensor(np.array(array))


def tensors(arrays, grad=False):
    return tuple(tensor(a).requires_grad_(grad) for a in as_tuple(arrays))


def as_tuple(arrays):
    return tuple(arrays) if isinstance(arrays, tuple) else (arrays,)


def close(found, wanted, bound=1e-12):
    found, wanted = found.detach().numpy(), np.asarray(wanted)
    assert found.shape == wanted.shape, (found.shape, wanted.shape)
    scale = max(1.0, float(np.max(np.abs(wanted), initial=0)))
    error = float(np.max(np.abs(found - wanted), initial=0)) / scale
    assert error <= bound, error


def layered(state):
    return tuple(s[None] for s in state)


def agrees(cell, lengths, store="all", make=layer_module, bound=1e-12):
    """Outputs, gradients, and derivatives of second order are those of NumPy's module."""
    both = Both(cell, store, make=make)
    m, params = both.numpy, both.params
    given = None if lengths is None else np.array(lengths)
    ys, ends, tape = m.forward(params, both.xs, both.state, given)
    dys, dends = both.draw(*ys.shape), m.State(*(both.draw(*e.shape) for e in ends))
    dparams, dxs, dstate = m.backward(params, tape, dys, dends)

    xs, state = tensors(both.xs, grad=True), tensors(layered(both.state), grad=True)
    ys_t, ends_t = both.run(xs, state, lengths=given)
    close(ys_t, ys, bound)
    for one, other in zip(ends_t, layered(ends), strict=True):
        close(one, other, bound)
    inputs = [*both.trained(), *xs, *state]
    seeds = [tensor(dys).requires_grad_(), *tensors(layered(dends), grad=True)]
    grads = torch.autograd.grad([ys_t, *ends_t], inputs, seeds, create_graph=True)
    wanted = [dparams[p.name] for p in cell.trained] + [*as_tuple(dxs), *layered(dstate)]
    for one, other in zip(grads, wanted, strict=True):
        close(one, other, bound)

    # along a random direction: <v, Jᵀ dys> has the gradients J v and H v
    params_dot, xs_dot, state_dot = both.draw_params(), both.draw_inputs(), both.draw_state()
    v = [tensor(params_dot[p.name]) for p in cell.trained]
    v += [*tensors(xs_dot), *tensors(layered(state_dot))]
    for name in cell.untrained:
        params_dot[name] = np.zeros_like(params_dot[name])
    found = torch.autograd.grad(grads, [*inputs, *seeds], v, allow_unused=True)
    ys_dot, ends_dot = m.jvp(params, tape, params_dot, xs_dot, state_dot)
    second = m.hvp(params, tape, dys, params_dot, xs_dot, state_dot, dends)
    wanted = [second[0][p.name] for p in cell.trained] + [*as_tuple(second[1]), *layered(second[2])]
    wanted += [ys_dot, *layered(ends_dot)]
    for one, other in zip(found, wanted, strict=True):
        close(one, other, bound)


# Beside nn.LSTM and nn.GRU: PyTorch's layer, its gates, and the gate that is the other way round.
GATES = {
    "lstm": (torch.nn.LSTM, "i f g o", ""),
    "gru:reset=after": (torch.nn.GRU, "r z n", "z"),
}


def beside(name, *sizes, make=layer_module, **options):
    """Our layer and PyTorch's, with the same weights. Our z is the share of what is new."""
    made, gates, turned = GATES[name]
    module, sizes = make(load(name)), sizes or (2, 3)
    ours = next(
        v for v in vars(module).values() if isinstance(v, type) and v.__name__ in "LSTM GRU"
    )
    torch.manual_seed(0)
    theirs = made(*sizes, dtype=torch.float64, **options)
    ours = ours(*sizes, dtype=torch.float64, **options)
    state = {k: v.clone() for k, v in ours.state_dict().items()}
    for key, value in theirs.named_parameters():
        kind, _, rest = key.partition("_l")
        ending = ("_l" + rest).removeprefix("_l0") if rest != "0" else ""
        for gate, part in zip(gates.split(), value.detach().chunk(len(gates.split())), strict=True):
            part = -part if gate == turned else part
            if kind in ("weight_ih", "weight_hh"):
                state[f"{'W' if kind == 'weight_ih' else 'U'}_{gate}{ending}"] = part
            elif kind == "bias_hh" and f"d_{gate}{ending}" in state:
                state[f"d_{gate}{ending}"] = part
            else:
                at = f"b_{gate}{ending}"
                state[at] = part if kind == "bias_ih" else state[at] + part
    ours.load_state_dict(state)
    return ours, theirs
