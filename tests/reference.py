"""What the tests compare with: equations read one by one, without any of the toolkit's stages.

`value` evaluates an expression, `step` a list of equations, `run` a whole cell over time, given one
array or a tuple of several. They know
nothing of normal forms, schedules or places; they are slow, and easy to believe.
"""

from __future__ import annotations

import functools
import sys
import types
from itertools import count

import numpy as np
import sympy as sp

from derive.compiler import generate
from derive.deviation import Deviation
from derive.largest import Largest
from derive.nodes import FeatureSum, MatVec, Outer, Quantity, Size, Transposed, axes_of

FUNCTIONS = {
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "tanh": np.tanh,
    "relu": lambda x: np.where(x.real > 0, x, 0),
    "step": lambda x: np.where(x > 0, 1.0, 0.0),
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "sin": np.sin,
    "cos": np.cos,
    "softplus": lambda x: np.logaddexp(0, x),
    "absolute": lambda x: np.where(x.real < 0, -x, x),
    "sign": lambda x: np.sign(x.real) + 0 * x,
    "heaviside": lambda x: np.heaviside(x, 0.5),
    "stop_gradient": lambda x: x,
    "surrogate": lambda of, like: of + 0 * like,
    "log_sigmoid": lambda x: -np.logaddexp(0, -x),
    "expm1": np.expm1,
    "log1p": np.log1p,
    "floor": lambda x: np.floor(x.real) + 0 * x,
    "choose": lambda d, p, q: np.where(d.real > 0, p, q),
    "maximum": lambda a, b: np.where((a - b).real > 0, a, b),
}


def value(expr, env, sizes):
    """An expression's value; vectors are (B, n), a scalar is (B, 1), parameters have no B."""
    array = rows_of(expr, env, sizes)
    return array if axes_of(expr) else array[:, None]


def rows_of(expr, env, sizes):
    """An expression's value, (B, ...) with its own axes behind, where a scalar has none; of what is
    the same for all sequences B is 1."""

    def of(e):
        if isinstance(e, Quantity):
            array = np.asarray(env[e])
            if not e.axes:
                return array.reshape(-1)
            return array if array.ndim > len(e.axes) else array[None]
        if isinstance(e, Size):
            return np.array([float(sizes[e.axis.letter])])
        if isinstance(e, sp.Number | sp.NumberSymbol):
            return np.array([np.float64(e)])
        if isinstance(e, MatVec):
            matrix, vector = map(of, e.args)
            m, v = ("h" * (array.ndim > plain) for array, plain in ((matrix, 3), (vector, 2)))
            return np.einsum(f"b{m}rc,b{v}c->b{m or v}r", matrix, vector)
        if isinstance(e, Transposed):
            return np.swapaxes(of(e.args[0]), -1, -2)
        if isinstance(e, Outer):
            left, right = map(of, e.args)
            m, v = ("h" * (array.ndim > 2) for array in (left, right))
            return np.einsum(f"b{m}r,b{v}c->b{m or v}rc", left, right)
        if isinstance(e, Deviation):
            mean, epsilon, *vectors = map(of, e.args)
            squares = [np.mean((v - mean[..., None]) ** 2, axis=-1) for v in vectors]
            return np.sqrt(sum(squares) / len(squares) + epsilon)
        if isinstance(e, Largest):
            return np.max(of(e.args[0]), axis=-1)
        if isinstance(e, FeatureSum):
            whole, *lengths = e.args
            axes = axes_of(whole)
            named = {n.axis for n in lengths}  # one axis may be both of a matrix
            along = [k - len(axes) for k, axis in enumerate(axes) if axis in named] or [-1]
            return np.sum(np.broadcast_to(of(whole), shaped(of(whole), axes, sizes)), tuple(along))
        parts = [beside(of(a), axes_of(a), axes_of(e)) for a in e.args]
        if isinstance(e, sp.Add):
            return sum(parts[1:], parts[0])
        if isinstance(e, sp.Mul):
            return functools.reduce(np.multiply, parts)
        if isinstance(e, sp.Pow):
            return parts[0] ** parts[1]
        return FUNCTIONS[e.func.__name__](*parts)

    return of(expr)


def shaped(array, axes, sizes):
    return (len(array), *(sizes[a.letter] for a in axes))


def beside(array, axes, others):
    """An array with an axis of length 1 for each that others have and it has not."""
    return array[(slice(None), *(slice(None) if a in axes else None for a in others))]


def step(equations, env, sizes, rows, rounded=lambda array: array):
    """`env` with what the equations define, each with one row for each sequence. Every value is
    rounded as one likes."""
    env = dict(env)
    for e in equations:
        axes = e.lhs.axes
        result = beside(rows_of(e.rhs, env, sizes), axes_of(e.rhs), axes)
        width = tuple(sizes[a.letter] for a in axes)
        result = np.array(np.broadcast_to(result, (rows, *width)))
        env[e.lhs] = rounded(result if axes else result[:, None])
    return env


def each(function, first, *others):
    """A function of arrays, or of each in tuples of several."""
    if not isinstance(first, tuple):
        return function(first, *others)
    found = [function(*some) for some in zip(first, *others, strict=True)]
    return first._make(found) if hasattr(first, "_make") else tuple(found)


def at(xs, where):
    """A part of an array, or of each in a tuple of several."""
    return each(lambda array: array[where], xs)


def given(cell, xs):
    """What a cell is given, by quantity, all steps of each: a number is (T, B, 1)."""
    arrays = xs if isinstance(xs, tuple) else (xs,)
    found = {
        q: a if q.axes else a[..., None] for q, a in zip(cell.inputs, arrays, strict=True)
    }  # fmt: skip
    if cell.number:
        T, B = arrays[0].shape[:2]
        found[cell.number] = np.arange(1.0, T + 1)[:, None, None] * np.ones((1, B, 1))
    return found


def number(cell, t):
    """What `step` is told besides in step t, 0 being the first."""
    return (t + 1,) if cell.number else ()


def trajectory(cell, params, xs, state, **rounding):
    """Step by step, the value of every quantity: `params` and `state` map names to arrays."""
    rows = given(cell, xs)
    T, B = rows[cell.input].shape[:2]
    sizes = {a.letter: None for a in cell.axes}
    for q, array in [
        *((p, params[p.name]) for p in cell.parameters),
        *rows.items(),
        *((s, state[s.name]) for s in cell.states),
    ]:
        for axis, n in zip(reversed(q.axes), reversed(array.shape), strict=False):
            sizes[axis.letter] = n
    now = {s: state[s.name] for s in cell.states}
    for t in range(T):
        env = {p: params[p.name] for p in cell.parameters} | now
        env |= {q: array[t] for q, array in rows.items()}
        env = step(cell.equations, env, sizes, B, **rounding)
        now = {s: env[cell.updates[s]] for s in cell.states}
        yield env


def run(cell, params, xs, state):
    """(ys, final state) of a cell over time: `params` and `state` map names to arrays."""
    steps = list(trajectory(cell, params, xs, state))
    if not steps:
        width = [getattr(params, axis.argument) for axis in cell.output.axes]
        B = len(next(iter(state.values())))
        return np.zeros((0, B, *width)), {s.name: state[s.name] for s in cell.states}
    ys = np.array([env[cell.output] for env in steps])
    return ys, {s.name: steps[-1][cell.updates[s]] for s in cell.states}


_numbers = count()


def module_of(cell, store="all", text=None):
    """A cell's generated module, imported."""
    text = text if text is not None else generate(cell, store=store)[f"{cell.name}.py"]
    module = types.ModuleType(f"generated_for_a_test_{next(_numbers)}")
    sys.modules[module.__name__] = module  # annotations and pickle look a module up by its name
    exec(compile(text, "<generated>", "exec"), module.__dict__)
    return module
