"""Elementwise expressions as NumPy calls that write into arrays which exist already.

``c_next = f * c + i * g`` becomes

    np.multiply(f, c, out=c_next)
    np.multiply(i, g, out=work)
    np.add(c_next, work, out=c_next)

Nothing is allocated, which is what makes a loop over time fast. The care is in arrays that hold an operand and
receive the result: such an operand is read first, and nothing else is computed in its place.
"""

from __future__ import annotations

from collections.abc import Callable

import sympy as sp

from derive.nodes import Axes, Elementwise, FeatureSum, Quantity, Size, axes_of
from derive.printing import Infix, fraction

# NumPy's own function, where it has one that takes float32, float64 and complex128 alike. The others are helpers
# in the generated module, named with an underscore.
UFUNCS = frozenset({"tanh", "exp", "log", "sqrt", "sin", "cos", "maximum"})


class Lowering:
    """Turns ``out = expr`` and ``out += expr`` into lines of NumPy.

    place    the name of the array that holds a quantity
    scratch  the name of a scratch array, from its shape and a number
    """

    def __init__(self, place: Callable[[Quantity], str], scratch: Callable[[Axes, int], str]):
        self.place, self.scratch = place, scratch

    def assign(self, out: Quantity, expr: sp.Expr, infix: Infix) -> list[str]:
        """Lines that leave the value of `expr` in the place of `out`."""
        lines = _Lines(self, infix)
        lines.into(self.place(out), out.axes, expr)
        return lines.lines

    def add(self, out: Quantity, expr: sp.Expr, infix: Infix) -> list[str]:
        """Lines that add the value of `expr` to what is in the place of `out`; `expr` does not read that place."""
        lines = _Lines(self, infix)
        for term in infix.sort(sp.Add.make_args(expr)):
            negative = term.could_extract_minus_sign()
            value = lines.value(-term if negative else term)
            lines.call("subtract" if negative else "add", self.place(out), value, out=self.place(out))
        return lines.lines


class _Lines:
    def __init__(self, lowering: Lowering, infix: Infix):
        self.lowering, self.infix = lowering, infix
        self.lines: list[str] = []
        self.borrowed: dict[Axes, int] = {}

    def call(self, function: str, *operands: str, out: str) -> None:
        self.lines.append(f"np.{function}({', '.join(operands)}, out={out})")

    # operands

    def is_atom(self, expr: sp.Expr) -> bool:
        """Whether the value is there already: an array, or a number."""
        return isinstance(expr, Quantity | Size | sp.Number | sp.NumberSymbol)

    def reads(self, expr: sp.Expr, target: str) -> bool:
        return any(self.lowering.place(q) == target for q in expr.atoms(Quantity))

    def value(self, expr: sp.Expr) -> str:
        """The name of what holds the value, a scratch array where it has to be computed."""
        if isinstance(expr, Quantity):
            return self.lowering.place(expr)
        if self.is_atom(expr):
            return self.infix(expr)
        axes = axes_of(expr)
        self.borrowed[axes] = self.borrowed.get(axes, 0) + 1
        scratch = self.lowering.scratch(axes, self.borrowed[axes])
        self.into(scratch, axes, expr)
        return scratch

    # building a value up

    def into(self, target: str, axes: Axes, expr: sp.Expr) -> None:
        """Leave the value of `expr` in `target`, which may hold one of its operands."""
        if self.is_atom(expr):
            self.lines.append(f"np.copyto({target}, {self.value(expr)})")
        elif isinstance(expr, sp.Add):
            self.sum(target, axes, self.infix.sort(expr.args))
        elif isinstance(expr, sp.Mul):
            self.product(target, axes, expr)
        elif isinstance(expr, sp.Pow):
            self.power(target, *expr.args)
        elif isinstance(expr, FeatureSum):
            self.lines.append(f"np.sum({self.value(expr.args[0])}, axis=-1, keepdims=True, out={target})")
        elif isinstance(expr, Elementwise):
            self.function(target, expr)
        else:
            raise TypeError(f"no NumPy for {type(expr).__name__}")

    def operands(self, target: str, axes: Axes, parts: list[sp.Expr]) -> list[tuple[sp.Expr, str]]:
        """The parts in the order in which they are combined, each with the name of what holds its value.

        The first to be combined is what `target` holds, or else a part that can be computed in `target` itself.
        """
        holding = [p for p in parts if self.reads(p, target)]
        computed = [p for p in parts if not self.is_atom(p)]
        if len(holding) > 1 or (holding and axes_of(holding[0]) != axes):
            values = {p: self.value(p) for p in holding}
            parts = sorted(parts, key=lambda p: values.get(p) != target)
        else:
            lead = next((p for p in holding or computed if axes_of(p) == axes), None)
            values = {}
            if lead is not None:
                parts = [lead, *(p for p in parts if p is not lead)]
                if not self.is_atom(lead):
                    self.into(target, axes, lead)
                    values[lead] = target
        # A number goes first where nothing was computed yet: 1 - i is one subtraction.
        parts = sorted(parts, key=lambda p: not p.is_number) if target not in values.values() and not holding else parts
        return [(p, values[p] if p in values else self.value(p)) for p in parts]

    def sum(self, target: str, axes: Axes, terms: list[sp.Expr]) -> None:
        signs = {abs_term(t): t.could_extract_minus_sign() for t in terms}
        (first, sofar), *rest = self.operands(target, axes, list(signs))
        negative = signs[first]
        for term, value in rest:
            if negative and not signs[term]:
                self.call("subtract", value, sofar, out=target)
                negative = False
            else:
                self.call("add" if negative == signs[term] else "subtract", sofar, value, out=target)
            sofar = target
        if negative:
            self.call("negative", sofar, out=target)

    def product(self, target: str, axes: Axes, expr: sp.Mul) -> None:
        over, under = fraction(expr)
        negative = sp.S.NegativeOne in over
        over = [f for f in self.infix.sort(over) if f != -1] or [sp.S.One]
        combined = self.operands(target, axes, [*over, *(1 / f for f in under if self.reads(f, target))])
        sofar = combined[0][1]
        for _, value in combined[1:]:
            self.call("multiply", sofar, value, out=target)
            sofar = target
        for factor in (f for f in self.infix.sort(under) if 1 / f not in dict(combined)):
            self.call("divide", sofar, self.value(factor), out=target)
            sofar = target
        if negative:
            self.call("negative", sofar, out=target)

    def power(self, target: str, base: sp.Expr, exponent: sp.Expr) -> None:
        value = self.value(base)
        if exponent == 2:
            self.call("multiply", value, value, out=target)
        elif exponent == -1:
            self.call("divide", "1.0", value, out=target)
        else:
            self.call("power", value, self.infix.number(exponent), out=target)

    def function(self, target: str, expr: Elementwise) -> None:
        name = expr.func.__name__
        self.lines.append(
            f"{'np.' if name in UFUNCS else '_'}{name}({', '.join(map(self.value, expr.args))}, out={target})"
        )


def abs_term(term: sp.Expr) -> sp.Expr:
    """The term without its minus sign."""
    return -term if term.could_extract_minus_sign() else term
