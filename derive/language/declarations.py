"""The declarations of a cell's body: inputs, states, output, parameters and options."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import sympy as sp

from derive import wellformed
from derive.nodes import Axis, CellError, H, I, Quantity, Transposed, own

if TYPE_CHECKING:
    from derive.language.body import Body


First = float | Callable[..., Any]  # a number, or what gives one for each entry


class Operand:
    """What stands for an expression in a formula: `_sympy_` is the expression."""

    def _sympy_(self) -> sp.Expr:
        raise NotImplementedError

    def __setattr__(self, name: str, value: object) -> None:
        if not name.startswith("_"):
            raise CellError(
                f"`{name}` cannot be assigned to behind a dot: an equation has a plain name, and a "
                f"member's first value stands where its family is declared, Vector(H, {name}=1)"
            )
        super().__setattr__(name, value)

    def __neg__(self) -> sp.Expr:
        return -self._sympy_()

    def __abs__(self) -> sp.Expr:
        return abs(self._sympy_())


def _as_expression(operator: str) -> Callable[[Any, Any], sp.Expr]:
    """An operator of the expression."""
    return lambda one, other: getattr(one._sympy_(), operator)(operand(other))


for _name in "add radd sub rsub mul rmul truediv rtruediv pow matmul rmatmul gt ge lt le".split():
    setattr(Operand, f"__{_name}__", _as_expression(f"__{_name}__"))
    if "matmul" not in _name:  # an axis in a formula is its length
        setattr(Axis, f"__{_name}__", _as_expression(f"__{_name}__"))


def operand(value: Any) -> sp.Expr:
    return value._sympy_() if isinstance(value, Operand | Axis) else value


class Declaration:
    """Something declared in a cell's body; the name it is assigned to becomes its name."""

    def _named(self, name: str, body: Body) -> Any:
        """Declare it under this name; returns the value that the name has in the equations."""
        raise NotImplementedError


class Input(Declaration):
    """What one step is given: x, a vector of shape (I,).

    ``Input(H)`` is for a cell that adds its input to its state, and so takes as many inputs as it
    has units. Any other axis does, too; ``Input(())`` is a number, such as the time since the step
    before. A cell may have several inputs.
    """

    def __init__(self, axis: Axis | tuple[()] = I, *others: Axis):
        if others:
            raise CellError(
                "an input is a vector or a number, and has no second axis: what is a matrix comes "
                "in by rows, each an input, or is made of vectors, outer(k, v)"
            )
        if not isinstance(axis, Axis) and axis != ():
            raise CellError(
                f"an input has an axis such as I, or none where it is a number, Input(()): "
                f"{axis!r} is not an axis"
            )
        self.axes = (axis,) if isinstance(axis, Axis) else ()

    def _named(self, name, body):
        body.inputs[name] = Quantity(name, self.axes)
        return body.inputs[name]


class StepNumber(Declaration):
    """The number of the step, 1 in the first: `forward` counts, and `step` is told."""

    def _named(self, name, body):
        if body.number is not None:
            raise CellError(f"`{name}`: the number of the step is `{body.number}` already")
        body.number = Quantity(name)
        return body.number


class State(Declaration):
    """A vector carried from one step to the next; with two axes, ``State(K, V)`` or
    ``State(H, H)``, a matrix, and ``State(1)`` is a single number. Before the first step it is zero
    unless the caller passes a value; ``State(start=-1e30)`` sets another initial number.

    The new value of ``State()`` called ``c`` is the equation ``c_next``. The first state declared
    is the cell's output, unless an equation is marked `Output`.
    """

    def __init__(self, *axes: Axis | int, start: float = 0):
        along = [] if axes == (1,) else axes or [H]
        for axis in along:
            if not isinstance(axis, Axis):
                raise CellError(f"a state needs an axis such as H, and {axis!r} is not an axis")
        if isinstance(start, bool) or not isinstance(start, int | float):
            raise CellError(f"a state starts at a number, and {start!r} is not a number")
        self.axes = tuple(axis for axis in along if isinstance(axis, Axis))
        self.start = float(start)

    def _named(self, name, body):
        state = Quantity(name, self.axes)
        wellformed.check_axes_of(state)
        body.states[name] = state
        if self.start != 0:
            body.starts[name] = self.start
        body.forward[f"{name}_next"] = Quantity(f"{name}_next", state.axes)
        return state


class Option(Declaration):
    """A setting with a few choices, ``reset = Option("before", "after")``, of which the first is
    the default: words to compare with, whole numbers, or functions of the language.

    A plain number in a cell's body, ``dt = 0.1``, may be set in the same way.
    """

    def __init__(self, *choices: Any):
        self.choices = choices

    def _named(self, name, body):
        return body.options.choose(name, self.choices)


class Output(Declaration):
    """Marks the equation that is the cell's output: ``y = Output(o * tanh(c_next))``."""

    def __init__(self, expr: sp.Expr):
        self.expr = expr

    def _named(self, name, body):
        if body.output is not None:
            raise CellError(f"`{name}`: the cell already has an output, `{body.output}`")
        if not isinstance(operand(self.expr), sp.Expr):
            raise CellError(f"equation `{name}`: {self.expr!r} is not a formula")
        body.output = body.define(name, self.expr)
        return body.output


class Family(Declaration, Operand):
    """Parameters of one shape under one name: ``W`` itself, or its members ``W.i``, ``W.f``, …

    `names` lists members that are not named after an equation. Keywords give initial values where
    the default will not do: ``Vector(H, f=1)`` starts ``b_f`` at 1, and ``Vector(H, at=1)`` the
    whole family. A function says it of each entry, ``Matrix(H, H, at=lambda row, column: …)``. A
    family that is not `trained` keeps its first values.
    """

    def __init__(
        self,
        *axes: Axis,
        names: str = "",
        at: First | None = None,
        trained: bool = True,
        **initial: First,
    ):
        for axis in axes:
            if not isinstance(axis, Axis):
                number = "; one number is sum(w * x), with a vector w" if axis == 1 else ""
                raise CellError(
                    f"a shape is made of axes such as H and I: {axis!r} is not an axis{number}"
                )
        if len(set(str(names).split())) < len(str(names).split()) or names != str(names):
            raise CellError(f'names="…" lists different names separated by spaces, not {names!r}')
        if not isinstance(trained, bool):
            raise CellError(f"trained=True or trained=False says whether it is, not {trained!r}")
        for member, value in initial.items():
            if isinstance(value, bool):
                raise CellError(
                    f"`{member}={value}`: a keyword is a member's first value, which is a number"
                )
        self._axes, self._names = axes, tuple(names.split())
        self._at, self._initial, self._trained = at, initial, trained
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
            raise CellError(f"assign the family to a name before you use its member {member!r}")
        return self._body.parameter(self, member)

    def _sympy_(self) -> Quantity:
        if self._body is None:
            raise CellError("assign the family to a name before you use it in an equation")
        return self._body.parameter(self, "")

    @property
    def T(self) -> Transposed:
        """The transpose of the matrix of this name."""
        return self._sympy_().T

    def _starts(self, member: str) -> First | None:
        """The initial value that a member was given; None for the default."""
        return self._initial.get(member, self._at)


class Matrix(Family):
    """A family of weight matrices: ``Matrix(H, I)`` takes an input to the hidden units,
    ``Matrix(N, K, I)`` to those of each head, and ``Matrix(N, I)`` to a number for each head."""

    def __init__(self, *axes: Axis, names: str = "", **initial: Any):
        super().__init__(*axes, names=names, **initial)
        if len(own(axes)) != 2 and len(axes) != 2:
            raise CellError(f"a matrix has two axes, as in Matrix({axes[0] if axes else H}, I)")


class Vector(Family):
    """A family of parameter vectors: biases, peepholes. ``Vector(N)`` is a number for each head,
    and ``Vector(N, K)`` a vector for each."""

    def __init__(self, *axes: Axis, names: str = "", **initial: Any):
        super().__init__(*(axes or (H,)), names=names, **initial)
        if len(own(self._axes)) > 1:
            raise CellError(f"a vector has one axis, as in Vector({axes[0]})")


class Scalar(Family):
    """A family of single trained numbers."""

    def __init__(self, names: str = "", **initial: Any):
        super().__init__(names=names, **initial)
