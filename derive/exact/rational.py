"""A test for rational functions that are the same: all their values are, modulo a prime.

The functions may be far too large to multiply out. They are evaluated in integers modulo a prime
where their symbols are random integers; every value of an activation is an independent variable.
Were two functions not the same, their values would agree at all of eight points with a probability
below 10**-30 (Schwartz 1980, Zippel 1979).

What a fractional power is taken of is an independent variable in all its powers, too: a random
square. The prime p is a safe one, (p - 1) / 2 is prime: there every square has roots of every order
that are squares, so that the laws of exponents hold.

No function is held in memory as a whole, and no call goes as deep as the function is long: it is
made of parts (`Shared`), each of which rests on earlier ones and is evaluated after these.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from functools import cached_property, reduce
from hashlib import blake2b
from typing import Any

import numpy as np
import sympy as sp

from derive.elementwise import Elementwise, maximum, step
from derive.elementwise.declared import Held

PRIME, POINTS = 2147483579, 8
Values = Any  # integers below the prime, an array with a row for each point


class Shared(sp.Dummy):
    """A part of a function, held once however often it is used. To SymPy it is a symbol: written
    out, a function could be a tree of a million parts. Its definition names earlier parts."""

    definition: sp.Expr

    def __new__(cls, name: str, definition: sp.Expr) -> Shared:
        shared = sp.Dummy.__new__(cls, name, real=True)
        shared.definition = definition
        return shared

    @cached_property
    def slopes(self) -> dict[sp.Symbol, sp.Expr]:
        """SymPy's derivatives of the definition by each symbol in it, the shared ones too."""
        return {s: sp.diff(self.definition, s) for s in self.definition.free_symbols}


class Peak(sp.Function):
    """The largest of some numbers. Its derivative by each is that of SymPy's Max, in which those
    that are the largest share."""

    def fdiff(self, argindex=1):
        shares = [1 - step(self - number) for number in self.args]
        return shares[argindex - 1] / maximum(sp.Add(*shares), 1)


def shared_parts(expr: sp.Expr, known: Container[sp.Expr] = ()) -> list[Shared]:
    """The parts that an expression rests on, each after those that it rests on itself; but for what
    is known already."""
    found: set[Shared] = set()
    waiting = [expr]
    while waiting:
        symbols = waiting.pop().free_symbols - found
        new = {s for s in symbols if isinstance(s, Shared) and s not in known}
        found |= new
        waiting += [part.definition for part in new]
    return sorted(found, key=lambda part: part.dummy_index)


class Points:
    """Random points, and what has been evaluated at them: functions may share their parts."""

    def __init__(self) -> None:
        self.known: dict[sp.Expr, Values] = {}
        self.bases: dict[bytes, Any] = {}  # what roots are taken of: a square in its place

    def settle(self, functions: Iterable[sp.Expr]) -> None:
        """Find what roots are taken of in these functions, before anything else is made of it."""
        functions, count = list(functions), -1
        while count < len(self.bases):
            count = len(self.bases)
            self.known.clear()
            for function in functions:
                self.values(function)

    def values(self, expr: sp.Expr) -> Values:
        """The values of a function at all points, (POINTS,)."""
        if expr not in self.known:
            for part in shared_parts(expr, self.known):
                self.known[part] = self._value(part.definition)
        return self._value(expr)

    def gradient(self, whole: sp.Expr, leaves: Sequence[sp.Symbol]) -> Values:
        """The derivatives of a function by each of some symbols at all points, (POINTS, leaves):
        the chain rule, run forward over SymPy's derivatives of each part."""
        units = np.eye(len(leaves), dtype=int)
        moved: dict[sp.Expr, Values] = dict(zip(leaves, units, strict=True))
        last = Shared("whole", whole)
        for part in shared_parts(last):
            total = np.zeros((POINTS, len(leaves)), int)
            for inner, slope in part.slopes.items():
                if inner in moved:
                    total = (total + self.values(slope)[:, None] * moved[inner]) % PRIME
            moved[part] = total
        return moved[last]

    def _value(self, e: sp.Expr) -> Values:
        """The values of an expression whose parts are known. An activation's are drawn by lot, the
        same for the same argument."""
        if e not in self.known:
            self.known[e] = self._found(e)
        return self.known[e]

    def _found(self, e: sp.Expr) -> Values:
        if e.is_Symbol:
            return drawn(e.name)
        if e.is_Number:
            number = sp.Rational(str(e))
            residue = int(number.p) * pow(int(number.q), -1, PRIME) % PRIME
            return np.full(POINTS, residue)
        if e.is_NumberSymbol or (e.is_Pow and e.base.is_Number):
            return drawn(str(e))
        if e.is_Pow:
            return self._power(self._value(e.base), sp.Rational(str(e.exp)))
        if isinstance(e, Held):
            return self._value(e.args[0])
        inner = map(self._value, e.args)
        if isinstance(e, Elementwise | Peak):
            return drawn(type(e).__name__, *inner)
        if e.is_Add:
            return reduce(lambda a, b: (a + b) % PRIME, inner)
        return reduce(lambda a, b: a * b % PRIME, inner)

    def _power(self, base: Any, exponent: sp.Rational) -> Values:
        """A power modulo the prime; of the square that stands for its base where roots are taken of
        that anywhere."""
        power, order, key = int(exponent.p), (PRIME - 1) // 2, base.tobytes()
        if exponent.q != 1:
            self.bases.setdefault(key, drawn("base", base) ** 2 % PRIME)
            power = power * pow(int(exponent.q), -1, order) % order
        base = self.bases.get(key, base)
        return np.array([pow(int(value), power, PRIME) for value in base])


def drawn(what: str, *arguments: Values) -> Values:
    """Values by lot, none of them zero, the same for the same name and arguments."""
    text = b" ".join([what.encode(), *(a.astype("<i8").tobytes() for a in arguments)])
    lots = np.frombuffer(blake2b(text, digest_size=8 * POINTS).digest(), "<u8")
    return (lots % (PRIME - 1) + 1).astype(int)
