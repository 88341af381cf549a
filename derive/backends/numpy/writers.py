"""Two ways to write an equation in NumPy.

`InPlace` writes calls with ``out=`` that allocate nothing: forward and backward, which run
thousands of times. `Plain` writes the expression itself: forward mode and second order, which are
read more often than they run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import sympy as sp

from derive.backends.numpy.lowering import UFUNCS, Lowering
from derive.backends.numpy.memory import Memory
from derive.backends.numpy.text import broken, length, unpack, wrap
from derive.names import fresh
from derive.nodes import FeatureSum, Node, Quantity, Size, axes_of, symbols_of
from derive.printing import ATOM, POWER, PRODUCT, Infix
from derive.program.statements import Compute, Product, PullBack

if TYPE_CHECKING:
    from derive.backends.numpy.one_step import OneStep
    from derive.backends.numpy.phase import Phase


class NumPyInfix(Infix):
    """Expressions as NumPy writes them, on the arrays that `place` names."""

    def __init__(self, rank, place):
        super().__init__(rank)
        self.place = place

    def symbol(self, symbol):
        return symbol.axis.letter if isinstance(symbol, Size) else self.place(symbol)

    def matvec(self, matrix, vector):
        return f"{self.print(vector, ATOM)} @ {self.transposed(matrix)}"

    def transposed(self, matrix):
        inner = matrix.args[0] if matrix.args else None
        return self.print(inner, ATOM) if inner is not None else f"{self.print(matrix, ATOM)}.T"

    def power(self, expr):
        base, exponent = expr.args
        if exponent.is_negative:
            return self.quotient("1", [base ** (-exponent)]), PRODUCT
        power = " ** " if not self.print(base, ATOM).isidentifier() else "**"
        return f"{self.print(base, ATOM)}{power}{self.print(exponent, ATOM)}", POWER

    def feature_sum(self, vector):
        return f"np.sum({self(vector)}, axis=-1, keepdims=True)"

    def function(self, expr):
        name = expr.func.__name__
        return f"{'np.' if name in UFUNCS else '_'}{name}({', '.join(map(self, expr.args))})"


def constant(q: Quantity, expr: sp.Expr, infix: Infix) -> str:
    """The value of what is the same at every step; one number is stretched to the vector it is."""
    if q.axes and not axes_of(expr):
        return f"np.full({length(q.axes)}, {infix(expr)}, dtype)"
    return infix(expr) if symbols_of(expr) else f"np.asarray({infix(expr)}, dtype)"


class Writer(Protocol):
    """How equations become lines."""

    def infix(self, phase: Phase) -> Infix:
        """A printer of expressions on the arrays of a phase."""
        ...

    def makes(self, q: Quantity, memory: Memory) -> bool:
        """Whether the line that computes the quantity also makes its array."""
        ...

    def view(self, name: str, array: str, views: dict[str, str]) -> str:
        """How one step of an array of all steps is written; `views` collects what the loop's head
        has to provide."""
        ...

    def header(self, views: dict[str, str], reverse: bool) -> list[str]:
        """The head of the loop over time."""
        ...

    def compute(self, s: Compute, phase: Phase) -> list[str]:
        """The lines of an elementwise equation."""
        ...

    def product(self, s: Product | PullBack, phase: OneStep, out: str, rows: str, weight: str, *,
    transposed: bool) -> list[str]:  # fmt: skip
        """The lines of a product within the loop."""
        ...


class InPlace:
    """Calls with ``out=``; a comment says the equation where they do not."""

    def infix(self, phase):
        return NumPyInfix(phase.memory.program.rank, phase.place)

    def makes(self, q, memory):
        return False

    def view(self, name, array, views):
        """A name that the loop's head gives to one step."""
        views.setdefault(name, array)
        return name

    def header(self, views, reverse):
        names, arrays = [*views, "ended"], [*views.values(), "ended_s"]
        if reverse:
            steps = wrap("steps = _backwards(", arrays, ")")
        else:
            steps = wrap("steps = zip(", [*arrays, "strict=True"], ")")
        return [*steps, *unpack(names, "steps:", before="for ", after=" in ")]

    def compute(self, s, phase):
        (q,) = s.outs
        equation = phase.memory.equations[q]
        infix = self.infix(phase).written_as(equation)
        if q in phase.memory.storage.constants:
            return [f"{q} = {f'{q} + ' * s.adds}{constant(q, s.expr, infix)}"]
        if any(not isinstance(node, FeatureSum) for node in s.expr.atoms(Node)):
            return [f"{phase.place(q)}[...] {'+=' if s.adds else '='} {infix(s.expr)}"]
        places = {p: phase.place(p) for p in (*infix.sort(symbols_of(s.expr)), q)}
        lowering = Lowering(places.__getitem__, phase.work, phase.memory.is_fixed)
        lines = (lowering.add if s.adds else lowering.assign)(q, s.expr, infix)
        return [*self.comment(s, phase, len(lines)), *lines]

    def comment(self, s, phase, count):
        """The equation in the cell's own words, where the lines do not say it already."""
        (q,), memory = s.outs, phase.memory
        spelled = all(
            memory.is_fixed(p) or memory.name(p) == p.name for p in (q, *s.expr.atoms(Quantity))
        )
        if count == 1 and spelled:
            return []
        infix = Infix(memory.program.rank).written_as(memory.equations[q])
        text = f"# {q} {'+=' if s.adds else '='} {infix(s.expr)}"
        return broken(text, phase.indent)

    def product(self, s, phase, out, rows, weight, *, transposed):
        # Sequences as columns, as in the equation: BLAS is up to twice as fast with the long side
        # of a wide product first.
        name = f"{weight}_{rows}" if s.adds and len(weight + rows) < 30 else f"{out}_T"
        scratch = phase.columns(name, length(a for q in s.outs for a in q.axes))
        matrix = weight if transposed else f"{weight}.T"
        product = f"np.dot({matrix}, {rows}.T, out={scratch})"
        return [product, *phase.put(out, f"{scratch}.T", s.adds)]


class Plain:
    """The equation itself, on arrays of all steps at step t."""

    def __init__(self, taken: set[str]):
        self.t = fresh("t", set(taken))  # a quantity may be called t

    def infix(self, phase):
        return NumPyInfix(phase.memory.program.rank, phase.place)

    def makes(self, q, memory):
        """Where nothing but elementwise equations writes a place, its first equation makes it."""
        home = memory.home(q)
        if home in memory.slot or home in memory.carried or q in memory.trajectories:
            return False
        first = next((e for e in memory.loop.equations if memory.home(e.lhs) == home), None)
        if (
            first is None
            or first.rhs == 0
            or first.rhs.atoms(Node)
            or axes_of(first.rhs) != first.lhs.axes
        ):
            return False
        if all(memory.is_fixed(s) for s in symbols_of(first.rhs)):
            return False  # its value is one row, and there are T * B of them
        return first not in memory.loop.during or not memory.is_kept(q)

    def view(self, name, array, views):
        """The array at step t."""
        if array.endswith("[1:]"):
            return array.replace("[1:]", f"[{self.t} + 1]")
        return f"{array.removesuffix('[:-1]')}[{self.t}]"

    def header(self, views, reverse):
        steps = "reversed(range(T))" if reverse else "range(T)"
        return [f"for {self.t} in {steps}:", f"    ended = ended_s[{self.t}]"]

    def compute(self, s, phase):
        (q,), memory = s.outs, phase.memory
        place = phase.place(q)
        infix = self.infix(phase).written_as(memory.equations[q])
        if q in memory.storage.constants:
            value = constant(q, s.expr, infix)
            return broken(f"{q} = {f'{q} + ' * s.adds}{value}", phase.indent)
        if s.adds:
            return broken(f"{place} += {infix(s.expr)}", phase.indent)
        if not (self.makes(q, memory) and self.is_first(q, memory)):
            target = place if place.endswith("]") else f"{place}[...]"
            return broken(f"{target} = {infix(s.expr)}", phase.indent)
        copied = ".copy()" if isinstance(s.expr, Quantity) else ""  # not a second name for it
        return broken(f"{place} = {infix(s.expr)}{copied}", phase.indent)

    def is_first(self, q, memory):
        """Whether the quantity is the first in its place, or its place is its own at every step."""
        return (
            next(e.lhs for e in memory.loop.equations if memory.home(e.lhs) == memory.home(q)) == q
        )

    def product(self, s, phase, out, rows, weight, *, transposed):
        value = f"{rows} @ {weight}{'.T' if transposed else ''}"
        return [
            f"{out} += {value}"
            if s.adds
            else f"{out}{'' if out.endswith(']') else '[...]'} = {value}"
        ]
