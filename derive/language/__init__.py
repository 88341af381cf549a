"""The language in which a person writes a cell, as the paper does.

    class LSTM(Cell):
        '''Long short-term memory with a forget gate. Gers, Schmidhuber & Cummins (2000).'''

        x = Input()
        h, c = State(), State()
        W, U, b = Matrix(H, I), Matrix(H, H), Vector(H, f=1)

        i = sigmoid(W.i @ x + U.i @ h + b.i)
        f = sigmoid(W.f @ x + U.f @ h + b.f)
        g = tanh(W.g @ x + U.g @ h + b.g)
        o = sigmoid(W.o @ x + U.o @ h + b.o)
        c_next = f * c + i * g
        h_next = o * tanh(c_next)

The body runs as ordinary Python, once. An assignment defines the equation of that name, and from
then on the name stands for the quantity, not for its formula. ``c_next`` is the new value of state
``c``; it may be used above its own equation, since the order of evaluation follows from the
equations and not from the lines.

``W.i`` is the member ``i`` of the family ``W``: a parameter of its own, named ``W_i``. A member is
named after the equation it serves, so that a typing error is an error; other names are listed where
the family is declared, ``Matrix(H, H, names="left right")``. A family used without a member,
``W @ x``, is the parameter ``W``.

The class statement gives a `derive.cell.Cell`, the value that every stage starts from.
"""

from __future__ import annotations

from derive import cell as _cell
from derive.elementwise import (
    absolute,
    cos,
    exp,
    expm1,
    floor,
    log,
    log1p,
    log_sigmoid,
    maximum,
    relu,
    sigmoid,
    sign,
    sin,
    softplus,
    sqrt,
    stop_gradient,
    surrogate,
    tanh,
)
from derive.entries import entries
from derive.language.body import opened
from derive.language.declarations import (
    Input,
    Matrix,
    Option,
    Output,
    Scalar,
    State,
    StepNumber,
    Vector,
)
from derive.language.functions import (
    each,
    largest,
    mean,
    minimum,
    outer,
    softmax,
    standardise,
    sum,
    where,
)
from derive.nodes import Axis, CellError, H, Heads, I, Size

__all__ = [
    "Axis", "Cell", "CellError", "H", "Heads", "I", "Input", "Matrix", "Option", "Output",
    "Scalar", "Size", "State", "StepNumber", "Vector", "absolute", "cos", "each", "exp",
    "expm1", "floor", "largest", "log", "log1p", "log_sigmoid", "maximum", "mean", "minimum",
    "outer", "relu", "sigmoid", "sign", "sin", "softmax", "softplus", "sqrt", "standardise",
    "stop_gradient", "sum", "surrogate", "tanh", "where",
]  # fmt: skip


class _CellMeta(type):
    """Runs a cell's body in a `Body` and turns it into a `derive.cell.Cell`."""

    @classmethod
    def __prepare__(cls, name, bases, /, **keywords):
        return opened() if bases else {}

    def __new__(mcs, name, bases, body, family=""):
        if not bases:
            return super().__new__(mcs, name, bases, dict(body))
        if not body.inputs:
            raise CellError(f"cell `{name}` has no input: declare one with `x = Input()`")
        first = body.initial()
        rules = {
            name: entries(name, rule, body.parameters[name].axes)
            for name, rule in first.items()
            if callable(rule)
        }
        body.check_members()
        inputs, states = tuple(body.inputs.values()), tuple(body.states.values())
        updates = body.updates()
        return bases[0].made(
            name=name.lower(),
            title=name,
            doc=body.get("__doc__") or "",
            inputs=inputs,
            states=states,
            parameters=tuple(body.parameters.values()),
            equations=tuple(body.equations),
            updates=updates,
            output=body.output or _output(body, inputs, states, updates),
            initial={name: value for name, value in first.items() if not callable(value)},
            entries=rules,
            untrained=body.untrained(),
            starts=body.starts,
            options=tuple(body.options.settings),
            family=family,
            number=body.number,
        )


def _output(body, inputs, states, updates):
    """The output, where none is marked: the new value of the first state; of what has no state, the
    last equation."""
    if states:
        return updates.get(states[0], inputs[0])
    return body.equations[-1].lhs if body.equations else inputs[0]


class Cell(metaclass=_CellMeta):
    """Base of a cell's class statement; see the module's docstring. What you get is a
    `derive.cell.Cell`. ``class GRU(Cell, family="GRU")`` says where `derive list` shows it."""

    made = _cell.Cell


class Map(metaclass=_CellMeta):
    """Base of equations that hand nothing on, for networks: the last one is the output, unless
    another is marked. What you get is a `derive.cell.Map`."""

    made = _cell.Map
