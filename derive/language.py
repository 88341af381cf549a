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

from collections.abc import Callable
from typing import Any

import sympy as sp

from derive import cell as _cell
from derive.nodes import (
    Axis,
    CellError,
    FeatureSum,
    H,
    I,
    Quantity,
    Size,
    absolute,
    axes_of,
    cos,
    describe,
    exp,
    log,
    maximum,
    relu,
    sigmoid,
    sign,
    sin,
    softplus,
    sqrt,
    tanh,
)

__all__ = [
    "Cell", "CellError", "H", "I", "Input", "Matrix", "Output", "Scalar", "Size", "State", "Vector",
    "Axis", "absolute", "cos", "exp", "log", "maximum", "mean", "minimum", "relu", "sigmoid",
    "sign", "sin", "softplus", "sqrt", "sum", "tanh",
]  # fmt: skip


# --- words that are made of others ---------------------------------------------------------------


def sum(vector: sp.Expr) -> sp.Expr:
    """The sum over the features of a vector, one number for each sequence."""
    return FeatureSum(sp.sympify(_operand(vector)))


def mean(vector: sp.Expr) -> sp.Expr:
    """The mean over the features of a vector."""
    vector = sp.sympify(_operand(vector))
    axes = axes_of(vector)
    if len(axes) != 1:
        raise CellError(f"a mean is taken over a vector, and {describe(vector)} is none")
    return FeatureSum(vector) / Size(axes[0])


def minimum(a: sp.Expr, b: sp.Expr) -> sp.Expr:
    """The smaller of two values."""
    return -maximum(-a, -b)


# --- declarations --------------------------------------------------------------------------------


class Declaration:
    """Something declared in a cell's body; the name it is assigned to becomes its name."""

    def _named(self, name: str, body: Body) -> Any:
        """What the name stands for in the equations that follow."""
        raise NotImplementedError


class Input(Declaration):
    """The input x of one step, a vector of shape (I,)."""

    def _named(self, name, body):
        if body.input is not None:
            raise CellError(
                f"`{name}`: the cell has its input already, `{body.input}`; a cell has one"
            )
        body.input = Quantity(name, (I,))
        return body.input


class State(Declaration):
    """A vector that one step hands to the next, zero before the first unless the caller says
    otherwise.

    The new value of ``State()`` called ``c`` is the equation ``c_next``. The first state declared
    is the cell's output, unless an equation is marked `Output`.
    """

    def __init__(self, axis: Axis = H):
        if not isinstance(axis, Axis):
            raise CellError(f"a state extends along an axis such as H, and {axis!r} is none")
        self.axis = axis

    def _named(self, name, body):
        state = Quantity(name, (self.axis,))
        body.states[name] = state
        body.forward[f"{name}_next"] = Quantity(f"{name}_next", state.axes)
        return state


class Output(Declaration):
    """Marks the equation that is the cell's output: ``y = Output(o * tanh(c_next))``."""

    def __init__(self, expr: sp.Expr):
        self.expr = expr

    def _named(self, name, body):
        if body.output is not None:
            raise CellError(f"`{name}`: the cell has its output already, `{body.output}`")
        if not isinstance(_operand(self.expr), sp.Expr):
            raise CellError(f"equation `{name}`: {self.expr!r} is no formula")
        body.output = body.define(name, self.expr)
        return body.output


class Family(Declaration):
    """Parameters of one shape under one name: ``W`` itself, or its members ``W.i``, ``W.f``, …

    `names` lists members that are not named after an equation. Keywords give initial values where
    the
    default will not do: ``Vector(H, f=1)`` starts ``b_f`` at 1.
    """

    def __init__(self, *axes: Axis, names: str = "", **initial: float):
        for axis in axes:
            if not isinstance(axis, Axis):
                raise CellError(f"a shape is made of axes such as H and I, and {axis!r} is none")
        self._axes, self._names, self._initial = axes, tuple(names.split()), initial
        self._name = ""
        self._body: Body | None = None

    def _named(self, name, body):
        self._name, self._body = name, body
        body.families[name] = self
        return self

    def __getattr__(self, member: str) -> Quantity:
        if member.startswith("_"):
            raise AttributeError(member)
        if self._body is None:
            raise CellError(f"give the family a name before its member {member!r} is used")
        return self._body.parameter(
            f"{self._name}_{member}", self._axes, family=self._name, member=member
        )

    def _sympy_(self) -> Quantity:
        if self._body is None:
            raise CellError("give the family a name before it is used in an equation")
        return self._body.parameter(self._name, self._axes, family=self._name, member="")

    def __neg__(self):
        return -self._sympy_()


def _as_parameter(operator: str) -> Callable[[Family, Any], sp.Expr]:
    """An operator that treats a family without a member as the parameter of its name."""
    return lambda family, other: getattr(family._sympy_(), operator)(_operand(other))


for _name in "add radd sub rsub mul rmul truediv rtruediv pow matmul".split():
    setattr(Family, f"__{_name}__", _as_parameter(f"__{_name}__"))


class Matrix(Family):
    """A family of weight matrices: ``Matrix(H, I)`` takes an input to the hidden units."""

    def __init__(self, rows: Axis, columns: Axis, names: str = "", **initial: float):
        super().__init__(rows, columns, names=names, **initial)


class Vector(Family):
    """A family of parameter vectors: biases, peepholes."""

    def __init__(self, axis: Axis = H, names: str = "", **initial: float):
        super().__init__(axis, names=names, **initial)


class Scalar(Family):
    """A family of single trained numbers."""

    def __init__(self, names: str = "", **initial: float):
        super().__init__(names=names, **initial)


def _operand(value: Any) -> sp.Expr:
    return value._sympy_() if isinstance(value, Family) else value


# --- the class statement -------------------------------------------------------------------------


class Body(dict[str, Any]):
    """The namespace a cell's body runs in: it turns assignments into declarations and equations.

    It sees every name that is read, so it knows in which order an equation was written, which SymPy
    does not keep.
    """

    def __init__(self):
        super().__init__()
        self.input: Quantity | None = None
        self.output: Quantity | None = None
        self.states: dict[str, Quantity] = {}
        self.forward: dict[str, Quantity] = {}
        self.families: dict[str, Family] = {}
        self.parameters: dict[str, Quantity] = {}
        self.members: dict[str, tuple[str, str]] = {}
        self.equations: list[_cell.Equation] = []
        self.read: list[str] = []

    def __getitem__(self, name: str) -> Any:
        value = super().__getitem__(name) if name in self else self.forward[name]
        self.read.append(name)
        return value

    def __setitem__(self, name: str, value: Any) -> None:
        if name.startswith("__"):
            super().__setitem__(name, value)
            return
        _cell.check_name(name)
        if name in self:
            raise CellError(f"`{name}` is defined twice; give each quantity a name of its own")
        super().__setitem__(name, self._meaning(name, value))

    def _meaning(self, name: str, value: Any) -> Any:
        if isinstance(value, Axis | int | float):
            return value  # an axis, or a constant such as dt = 0.1
        if isinstance(value, Family) and value._name:
            return self.define(name, value)
        if isinstance(value, Declaration):
            return value._named(name, self)
        if isinstance(value, sp.Expr):
            return self.define(name, value)
        raise CellError(
            f"`{name}` is a {type(value).__name__}; a cell's body holds declarations and equations"
        )

    def define(self, name: str, formula: Any) -> Quantity:
        """Add the equation `name` = `formula`."""
        rhs = sp.sympify(_operand(formula), strict=True)
        try:
            axes = axes_of(rhs)
        except CellError as error:
            raise CellError(f"equation `{name}`: {error}") from None
        if len(axes) > 1:
            raise CellError(f"equation `{name}`: {describe(rhs)} is a matrix; a vector is needed")
        lhs = self.forward.get(name) or Quantity(name, axes)
        self.equations.append(_cell.Equation(lhs, rhs, tuple(self.read)))
        self.read = []
        return lhs

    def parameter(self, name: str, axes: tuple[Axis, ...], family: str, member: str) -> Quantity:
        """The parameter of that name, made when it is first read."""
        self.read.append(name)
        self.members[name] = (family, member)
        return self.parameters.setdefault(name, Quantity(name, axes))

    def updates(self) -> dict[Quantity, Quantity]:
        """For each state that has one, its new value."""
        defined = {e.lhs.name: e.lhs for e in self.equations}
        return {s: defined[f"{n}_next"] for n, s in self.states.items() if f"{n}_next" in defined}

    def check_members(self) -> None:
        """A member is named after an equation, or listed; a family that is declared is used."""
        equations = {e.lhs.name for e in self.equations}
        serves = equations | {name.removesuffix("_next") for name in equations}
        for name, (family, member) in self.members.items():
            if member and member not in serves and member not in self.families[family]._names:
                raise CellError(
                    f"`{family}.{member}` ({name}): no equation is called `{member}`; name a "
                    f"member after the equation it serves, or list it where `{family}` is "
                    f"declared: "
                    f'names="{member}"'
                )
        used = {family for family, _ in self.members.values()}
        for family in self.families:
            if family not in used:
                raise CellError(f"`{family}` is never used; remove it, or use it in an equation")

    def initial(self) -> dict[str, float]:
        """Initial values, by parameter; CellError where no such parameter exists."""
        values = {}
        for family in self.families.values():
            for member, value in family._initial.items():
                name = f"{family._name}_{member}"
                if name not in self.parameters:
                    raise CellError(
                        f"`{family._name}` gives `{name}` the initial value {value}, but no "
                        f"equation uses it"
                    )
                values[name] = value
        return values


class _CellMeta(type):
    """Runs a cell's body in a `Body` and turns it into a `derive.cell.Cell`."""

    @classmethod
    def __prepare__(cls, name, bases, /, **options):
        return Body() if bases else {}

    def __new__(mcs, name, bases, body, **options):
        if not bases:
            return super().__new__(mcs, name, bases, dict(body))
        if body.input is None:
            raise CellError(f"cell `{name}` has no input: declare one with `x = Input()`")
        body.check_members()
        states = tuple(body.states.values())
        updates = body.updates()
        return _cell.Cell(
            name=name.lower(),
            title=name,
            doc=body.get("__doc__") or "",
            input=body.input,
            states=states,
            parameters=tuple(body.parameters.values()),
            equations=tuple(body.equations),
            updates=updates,
            output=body.output or updates.get(states[0] if states else None, body.input),
            initial=body.initial(),
        )


class Cell(metaclass=_CellMeta):
    """Base of a cell's class statement; see the module's docstring. What you get is a
    `derive.cell.Cell`."""
