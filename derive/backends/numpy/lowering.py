"""Elementwise expressions as NumPy calls that write into arrays which exist already.

``c_next = f * c + i * g`` becomes

    np.multiply(f, c, out=c_next)
    np.multiply(i, g, out=work)
    np.add(c_next, work, out=c_next)

Nothing is allocated, which is what makes a loop over time fast. (A compiler calls this three-address
code.) The care is in arrays that hold an operand and receive the result: such an operand is read
first, and nothing else is computed in its place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count

import sympy as sp

from derive.backends.numpy.printer import called
from derive.elementwise import Elementwise
from derive.nodes import Axes, Quantity, Size, axes_of
from derive.printing import Infix, fraction


@dataclass(frozen=True)
class Call:
    """One call: out = function(operands). Without a function the value is copied."""

    function: str
    operands: tuple[str, ...]
    out: str


class Lowering:
    """Turns ``out = expr`` and ``out += expr`` into calls.

    name     what an array is called, by its quantity
    place    what tells whether two quantities lie in the same memory
    scratch  the name of a scratch array, from its shape and a number
    """

    def __init__(
        self,
        name: Callable[[Quantity], str],
        place: Callable[[Quantity], object],
        scratch: Callable[[Axes, int], str],
    ):
        self.name, self.place, self.scratch = name, place, scratch

    def assign(self, out: Quantity, expr: sp.Expr, infix: Infix) -> list[Call]:
        """Calls that leave the value of `expr` in the place of `out`."""
        lines = _Lines(self, infix, out, expr)
        lines.into(self.name(out), out.axes, expr)
        return lines.lines

    def add(self, out: Quantity, expr: sp.Expr, infix: Infix) -> list[Call]:
        """Calls that add the value of `expr` to what is in the place of `out`. Terms that read that
        place are computed first."""
        lines, place = _Lines(self, infix, out, expr), self.name(out)
        minus = {
            abs_term(t): t.could_extract_minus_sign() for t in infix.sort(sp.Add.make_args(expr))
        }
        early = {term: lines.value(term) for term in minus if lines.reads(term, place)}
        for term, negative in minus.items():
            value = early.get(term) or lines.value(term)
            lines.call("np.subtract" if negative else "np.add", place, value, out=place)
        return lines.lines


class _Lines:
    def __init__(self, lowering: Lowering, infix: Infix, out: Quantity, expr: sp.Expr):
        self.lowering, self.infix = lowering, infix
        self.out, place = lowering.name(out), lowering.place(out)
        self.in_place = {q for q in expr.atoms(Quantity) if lowering.place(q) == place}
        self.names_of_out = {self.out, *map(lowering.name, self.in_place)}
        self.lines: list[Call] = []
        self.borrowed: dict[str, tuple[Axes, int]] = {}

    def call(self, function: str, *operands: str, out: str) -> None:
        """Add a call; scratch arrays that it reads are free again."""
        self.lines.append(Call(function, operands, out))
        for name in operands:
            if name != out:
                self.borrowed.pop(name, None)

    # operands

    def is_atom(self, expr: sp.Expr) -> bool:
        """Whether the value is there already: an array, or a number."""
        return isinstance(expr, Quantity | Size | sp.Number | sp.NumberSymbol)

    def reads(self, expr: sp.Expr, target: str) -> bool:
        """Whether an expression reads what is in the target, under whatever name."""
        return target == self.out and bool(self.in_place & expr.atoms(Quantity))

    def is_in(self, target: str, value: str | None) -> bool:
        """Whether a value lies in the target, under whatever name."""
        return value == target or (target == self.out and value in self.names_of_out)

    def value(self, expr: sp.Expr) -> str:
        """The name of what holds the value, a scratch array where it has to be computed."""
        if isinstance(expr, Quantity):
            return self.lowering.name(expr)
        if self.is_atom(expr):
            return self.infix(expr)
        axes = axes_of(expr)
        scratch = self.borrow(axes)
        self.into(scratch, axes, expr)
        return scratch

    def borrow(self, axes: Axes) -> str:
        number = next(n for n in count(1) if (axes, n) not in self.borrowed.values())
        name = self.lowering.scratch(axes, number)
        self.borrowed[name] = (axes, number)
        return name

    # building a value up

    def into(self, target: str, axes: Axes, expr: sp.Expr) -> None:
        """Leave the value of `expr` in `target`, which may hold one of its operands."""
        if self.is_atom(expr):
            self.call("", self.value(expr), out=target)
        elif isinstance(expr, sp.Add):
            self.sum(target, axes, self.infix.sort(expr.args))
        elif isinstance(expr, sp.Mul):
            self.product(target, axes, expr)
        elif isinstance(expr, sp.Pow):
            self.power(target, *expr.args)
        elif isinstance(expr, Elementwise):
            self.function(target, expr)
        else:
            raise TypeError(f"no NumPy for {type(expr).__name__}")

    def arranged(
        self, target: str, axes: Axes, parts: list[sp.Expr]
    ) -> tuple[list[sp.Expr], dict[sp.Expr, str]]:
        """The parts in the order in which they are combined, and the values that have to be there
        beforehand.

        The first to be combined is what `target` holds, or else a part that can be computed in
        `target` itself. A number goes first where that saves a call: 1 - i is one subtraction.
        """
        holding = [p for p in parts if self.reads(p, target)]
        if len(holding) > 1 or any(axes_of(p) != axes for p in holding):
            values = {p: self.value(p) for p in holding}
            first = sorted(
                parts, key=lambda p: (not self.is_in(target, values.get(p)), p not in values)
            )
            return first, values
        computed = [p for p in parts if not self.is_atom(p) and axes_of(p) == axes]
        lead = next(iter(holding or computed), None)
        if lead is None:
            return sorted(parts, key=lambda p: not p.is_number), {}
        rest = [p for p in parts if p is not lead]
        if self.is_atom(lead):
            return [lead, *rest], {}
        self.into(target, axes, lead)
        return [lead, *rest], {lead: target}

    def sum(self, target: str, axes: Axes, terms: list[sp.Expr]) -> None:
        minus = {abs_term(t): t.could_extract_minus_sign() for t in terms}
        (first, *rest), ready = self.arranged(target, axes, list(minus))
        sofar, negative = ready.get(first) or self.value(first), minus[first]
        for term in rest:
            value = ready.get(term) or self.value(term)
            if negative and not minus[term]:
                self.call("np.subtract", value, sofar, out=target)
                negative = False
            else:
                self.call(
                    "np.add" if negative == minus[term] else "np.subtract", sofar, value, out=target
                )
            sofar = target
        if negative:
            self.call("np.negative", sofar, out=target)

    def product(self, target: str, axes: Axes, expr: sp.Mul) -> None:
        over, under = fraction(expr)
        negative = sp.S.NegativeOne in over
        over = [f for f in self.infix.sort(over) if f != -1] or [sp.S.One]
        early = {f: self.value(f) for f in under if self.reads(f, target)}
        if any(self.is_in(target, value) for value in early.values()):
            sofar = self.value(sp.Mul(*over))  # elsewhere: the divisor lies in the target
        else:
            sofar = self.multiplied(target, axes, over)
        there = [f for f in self.infix.sort(under) if self.is_in(target, early.get(f))]
        for factor in (*there, *(f for f in self.infix.sort(under) if f not in there)):
            self.call("np.divide", sofar, early.get(factor) or self.value(factor), out=target)
            sofar = target
        if negative:
            self.call("np.negative", sofar, out=target)

    def multiplied(self, target: str, axes: Axes, factors: list[sp.Expr]) -> str:
        """What holds the product of the factors: the target, or the only factor's own place."""
        (first, *rest), ready = self.arranged(target, axes, factors)
        sofar = ready.get(first) or self.value(first)
        for factor in rest:
            self.call("np.multiply", sofar, ready.get(factor) or self.value(factor), out=target)
            sofar = target
        return sofar

    def power(self, target: str, base: sp.Expr, exponent: sp.Expr) -> None:
        value = self.value(base)
        if exponent == 2:
            self.call("np.multiply", value, value, out=target)
        elif exponent == -1:
            self.call("np.divide", "1.0", value, out=target)
        else:
            self.call("np.power", value, self.infix.number(exponent), out=target)

    def function(self, target: str, expr: Elementwise) -> None:
        operands = tuple(map(self.value, expr.args))
        self.lines.append(Call(called(type(expr)), operands, target))


def abs_term(term: sp.Expr) -> sp.Expr:
    """The term without its minus sign."""
    return -term if term.could_extract_minus_sign() else term
