"""Elementwise expressions as calls that write into arrays which exist already.

``c_next = f * c + i * g`` becomes three calls (three-address code, to a compiler writer):

    multiply  f, c           ->  c_next
    multiply  i, g           ->  work
    add       c_next, work   ->  c_next

Nothing is allocated, which is what makes a loop over time fast where every call costs the same,
whatever it works on. The care is in arrays that hold an operand and receive the result: such an
operand is read first, and nothing else is computed in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count

import sympy as sp

from derive.elementwise import Elementwise
from derive.nodes import Axes, Outer, Quantity, axes_of
from derive.printing import Infix, fraction


@dataclass(frozen=True)
class Call:
    """One call: out = function(operands), the function by its name in the language, or `add`,
    `subtract`, `multiply`, `divide`, `power`, `negative`. Without one the value is copied."""

    function: str
    operands: tuple[str, ...]
    out: str


class Lowering:
    """Turns ``out = expr`` and ``out += expr`` into calls.

    name     what an array is called, by its quantity
    place    what tells whether two quantities lie in the same memory
    scratch  the name of a scratch array, from its shape and a number
    fit      an array of these axes, seen so that it fits one of others
    """

    def __init__(
        self,
        name: Callable[[Quantity], str],
        place: Callable[[Quantity], object],
        scratch: Callable[[Axes, int], str],
        fit: Callable[[str, Axes, Axes], str],
    ):
        self.name, self.place, self.scratch, self.fit = name, place, scratch, fit

    def assign(self, out: Quantity, expr: sp.Expr, infix: Infix) -> list[Call]:
        """Calls that leave the value of `expr` in the place of `out`."""
        lines = _Lines(self, infix, out, expr)
        lines.into(self.name(out), out.axes, expr)
        return lines.lines

    def values(
        self, out: Quantity, exprs: Sequence[sp.Expr], infix: Infix
    ) -> tuple[list[Call], list[str]]:
        """The names of what holds the values of expressions, for what is made of them in `out`, and
        the calls that leave them there."""
        lines = _Lines(self, infix, out, sp.Tuple(*exprs))
        found = {expr: lines.value(expr) for expr in dict.fromkeys(exprs)}
        return lines.lines, [found[expr] for expr in exprs]

    def add(self, out: Quantity, expr: sp.Expr, infix: Infix) -> list[Call]:
        """Calls that add the value of `expr` to what is in the place of `out`. Terms that read that
        place are computed first."""
        lines, place = _Lines(self, infix, out, expr), self.name(out)
        minus = {
            abs_term(t): t.could_extract_minus_sign() for t in infix.sort(sp.Add.make_args(expr))
        }
        early = {term: lines.value(term) for term in minus if lines.reads(term, place)}
        for term, negative in minus.items():
            value = lines.fit(early.get(term) or lines.value(term), term, out.axes)
            lines.call("subtract" if negative else "add", place, value, out=place)
        return lines.lines


class _Lines:
    def __init__(self, lowering: Lowering, infix: Infix, out: Quantity, expr: sp.Expr):
        self.lowering, self.infix = lowering, infix
        self.out, place = lowering.name(out), lowering.place(out)
        self.in_place = {q for q in expr.atoms(Quantity) if lowering.place(q) == place}
        self.names_of_out = {self.out, *map(lowering.name, self.in_place)}
        self.lines: list[Call] = []
        self.borrowed: dict[str, tuple[Axes, int]] = {}
        self.seen: dict[str, str] = {}  # what an array is, that has to fit another

    def call(self, function: str, *operands: str, out: str) -> None:
        """Add a call; scratch arrays that it reads are free again."""
        self.lines.append(Call(function, operands, out))
        for name in operands:
            if name != out:
                self.borrowed.pop(self.seen.get(name, name), None)

    def fit(self, name: str, expr: sp.Expr, axes: Axes) -> str:
        """The value of an expression, seen so that it fits an array of these axes."""
        if not expr.atoms(Quantity):
            return name
        fitting = self.lowering.fit(name, axes_of(expr), axes)
        if fitting != name:
            self.seen[fitting] = name
        return fitting

    # operands

    def is_atom(self, expr: sp.Expr) -> bool:
        """Whether the value is there already: an array, or a number."""
        return isinstance(expr, Quantity) or not expr.atoms(Quantity)

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
            self.call("", self.fit(self.value(expr), expr, axes), out=target)
        elif isinstance(expr, sp.Add):
            self.sum(target, axes, self.infix.sort(expr.args))
        elif isinstance(expr, sp.Mul):
            self.product(target, axes, expr)
        elif isinstance(expr, Outer):
            level = zip(expr.args, expr.seen(axes), strict=True)
            left, right = (self.fit(self.value(v), v, to) for v, to in level)
            self.call("multiply", left, right, out=target)
        elif isinstance(expr, sp.Pow):
            self.power(target, axes, *expr.args)
        elif isinstance(expr, Elementwise):
            self.function(target, axes, expr)
        else:
            raise TypeError(f"no call computes {type(expr).__name__}")

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
        sofar = ready.get(first) or self.fit(self.value(first), first, axes)
        negative = minus[first]
        for term in rest:
            value = self.fit(ready.get(term) or self.value(term), term, axes)
            if negative and not minus[term]:
                self.call("subtract", value, sofar, out=target)
                negative = False
            else:
                self.call(
                    "add" if negative == minus[term] else "subtract", sofar, value, out=target
                )
            sofar = target
        if negative:
            self.call("negative", sofar, out=target)

    def product(self, target: str, axes: Axes, expr: sp.Mul) -> None:
        over, under = fraction(expr)
        negative = sp.S.NegativeOne in over
        over, under = numbers_first([f for f in over if f != -1], under, axes)
        over = self.infix.sort(over) or [sp.S.One]
        early = {f: self.value(f) for f in under if self.reads(f, target)}
        if any(self.is_in(target, value) for value in early.values()):
            whole = sp.Mul(*over)  # elsewhere: the divisor lies in the target
            sofar = self.fit(self.value(whole), whole, axes)
        else:
            sofar = self.multiplied(target, axes, over)
        there = [f for f in self.infix.sort(under) if self.is_in(target, early.get(f))]
        for factor in (*there, *(f for f in self.infix.sort(under) if f not in there)):
            value = self.fit(early.get(factor) or self.value(factor), factor, axes)
            self.call("divide", sofar, value, out=target)
            sofar = target
        if negative:
            self.call("negative", sofar, out=target)

    def multiplied(self, target: str, axes: Axes, factors: list[sp.Expr]) -> str:
        """What holds the product of the factors: the target, or the only factor's own place."""
        (first, *rest), ready = self.arranged(target, axes, factors)
        sofar = self.fit(ready.get(first) or self.value(first), first, axes)
        for factor in rest:
            value = self.fit(ready.get(factor) or self.value(factor), factor, axes)
            self.call("multiply", sofar, value, out=target)
            sofar = target
        return sofar

    def power(self, target: str, axes: Axes, base: sp.Expr, exponent: sp.Expr) -> None:
        value = self.fit(self.value(base), base, axes)
        if exponent == 2:
            self.call("multiply", value, value, out=target)
        elif exponent == -1:
            self.call("divide", "1.0", value, out=target)
        else:
            self.call("power", value, self.infix.number(exponent), out=target)

    def function(self, target: str, axes: Axes, expr: Elementwise) -> None:
        operands = tuple(self.fit(self.value(argument), argument, axes) for argument in expr.args)
        self.lines.append(Call(expr.func.__name__, operands, target))


def abs_term(term: sp.Expr) -> sp.Expr:
    """The term without its minus sign."""
    return -term if term.could_extract_minus_sign() else term


def numbers_first(
    over: list[sp.Expr], under: list[sp.Expr], axes: Axes
) -> tuple[list[sp.Expr], list[sp.Expr]]:
    """The factors above and below the bar, where those that are one number for each sequence are
    one factor, computed before vectors are multiplied with it; so are plain numbers below."""
    plain = [f for f in under if not f.atoms(Quantity)]
    rest = [f for f in under if f not in plain]
    single = [f for f in over if not axes_of(f)]
    has_vectors = axes and any(map(axes_of, (*over, *rest)))
    if has_vectors and any(f.atoms(Quantity) for f in single) and len(single) + len(plain) > 1:
        number = sp.Mul(*single) / sp.Mul(*plain)
        return [number, *(f for f in over if f not in single)], rest
    return over, [*rest, *([sp.Mul(*plain)] if plain else [])]
