"""Elementwise expressions as NumPy calls that write into arrays which exist already.

``c_next = f * c + i * g`` becomes

    np.multiply(f, c, out=c_next)
    np.multiply(i, g, out=work)
    np.add(c_next, work, out=c_next)

Nothing is allocated, which is what makes a loop over time fast. The care is in arrays that hold an
operand and receive the result: such an operand is read first, and nothing else is computed in its
place.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import sympy as sp

from derive.elementwise import Elementwise
from derive.nodes import Axes, FeatureSum, Quantity, Size, axes_of
from derive.printing import Infix, fraction

# NumPy's own function, where it has one that takes float32, float64 and complex128 alike. The
# others are helpers in the generated module, named with an underscore.
UFUNCS = frozenset({"tanh", "exp", "log", "sqrt", "sin", "cos", "maximum"})


class Lowering:
    """Turns ``out = expr`` and ``out += expr`` into lines of NumPy.

    place    the name of the array that holds a quantity
    scratch  the name of a scratch array, from its shape and a number
    fixed    whether a quantity is the same at every step, and so has neither steps nor sequences
    """

    def __init__(
        self,
        place: Callable[[Quantity], str],
        scratch: Callable[[Axes, int], str],
        fixed: Callable[[Quantity], bool] = lambda q: False,
    ):
        self.place, self.scratch, self.fixed = place, scratch, fixed

    def assign(self, out: Quantity, expr: sp.Expr, infix: Infix) -> list[str]:
        """Lines that leave the value of `expr` in the place of `out`."""
        lines = _Lines(self, infix)
        lines.into(self.place(out), out.axes, expr)
        return lines.lines

    def add(self, out: Quantity, expr: sp.Expr, infix: Infix) -> list[str]:
        """Lines that add the value of `expr` to what is in the place of `out`. Terms that read that
        place are computed first."""
        lines, place = _Lines(self, infix), self.place(out)
        minus = {
            abs_term(t): t.could_extract_minus_sign() for t in infix.sort(sp.Add.make_args(expr))
        }
        early = {term: lines.value(term) for term in minus if lines.reads(term, place)}
        for term, negative in minus.items():
            value = early.get(term) or lines.value(term)
            lines.call("subtract" if negative else "add", place, value, out=place)
        return lines.lines


class _Lines:
    def __init__(self, lowering: Lowering, infix: Infix):
        self.lowering, self.infix = lowering, infix
        self.lines: list[str] = []
        self.borrowed: dict[str, tuple[Axes, int]] = {}

    def call(self, function: str, *operands: str, out: str) -> None:
        """One NumPy call; scratch arrays that it reads are free again."""
        self.lines.append(f"np.{function}({', '.join(operands)}, out={out})")
        for name in operands:
            if name != out:
                self.borrowed.pop(name, None)

    # operands

    def is_atom(self, expr: sp.Expr) -> bool:
        """Whether the value is there already: an array, or a number."""
        return isinstance(expr, Quantity | Size | sp.Number | sp.NumberSymbol)

    def is_fixed(self, expr: sp.Expr) -> bool:
        return all(map(self.lowering.fixed, expr.atoms(Quantity)))

    def reads(self, expr: sp.Expr, target: str) -> bool:
        return any(self.lowering.place(q) == target for q in expr.atoms(Quantity))

    def value(self, expr: sp.Expr) -> str:
        """The name of what holds the value, a scratch array where it has to be computed."""
        if isinstance(expr, Quantity):
            return self.lowering.place(expr)
        if self.is_atom(expr):
            return self.infix(expr)
        axes = axes_of(expr)
        if isinstance(expr, FeatureSum) and self.is_fixed(expr):
            return f"np.sum({self.infix(expr.args[0])})"  # of parameters: one number
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
            self.lines.append(f"np.copyto({target}, {self.value(expr)})")
        elif isinstance(expr, sp.Add):
            self.sum(target, axes, self.infix.sort(expr.args))
        elif isinstance(expr, sp.Mul):
            self.product(target, axes, expr)
        elif isinstance(expr, sp.Pow):
            self.power(target, *expr.args)
        elif isinstance(expr, FeatureSum) and (axes or self.is_fixed(expr)):
            self.lines.append(f"np.copyto({target}, {self.value(expr)})")
        elif isinstance(expr, FeatureSum):
            vector = self.value(expr.args[0])
            self.lines.append(f"np.sum({vector}, axis=-1, keepdims=True, out={target})")
            self.borrowed.pop(vector, None)
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
            return sorted(parts, key=lambda p: (values.get(p) != target, p not in values)), values
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
        over = [f for f in self.infix.sort(over) if f != -1] or [sp.S.One]
        early = {f: self.value(f) for f in under if self.reads(f, target)}
        if target in early.values():
            sofar = self.value(sp.Mul(*over))  # elsewhere: the divisor lies in the target
        else:
            sofar = self.multiplied(target, axes, over)
        for factor in sorted(self.infix.sort(under), key=lambda f: early.get(f) != target):
            self.call("divide", sofar, early.get(factor) or self.value(factor), out=target)
            sofar = target
        if negative:
            self.call("negative", sofar, out=target)

    def multiplied(self, target: str, axes: Axes, factors: list[sp.Expr]) -> str:
        """What holds the product of the factors: the target, or the only factor's own place."""
        (first, *rest), ready = self.arranged(target, axes, factors)
        sofar = ready.get(first) or self.value(first)
        for factor in rest:
            self.call("multiply", sofar, ready.get(factor) or self.value(factor), out=target)
            sofar = target
        return sofar

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
            f"{'np.' if name in UFUNCS else '_'}{name}({', '.join(map(self.value, expr.args))}, "
            f"out={target})"
        )


def abs_term(term: sp.Expr) -> sp.Expr:
    """The term without its minus sign."""
    return -term if term.could_extract_minus_sign() else term
