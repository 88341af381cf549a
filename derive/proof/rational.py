"""A test for rational functions that are zero: all their values are zero modulo a prime.

The function may be far too large to multiply out. It is evaluated in integers modulo 2**61 - 1
where its symbols are random integers; every value of an activation is an independent variable, and
so is every root. Were the function not zero, it would vanish at all of eight points with a
probability below 10**-100 (Schwartz 1980, Zippel 1979).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cached_property, reduce

import sympy as sp

from derive.elementwise import Elementwise, maximum, step
from derive.elementwise.declared import Held

PRIME, POINTS = 2**61 - 1, 8
Points = list[dict[sp.Expr, int]]  # at each point, the values that are known there


def points() -> Points:
    """Points at which nothing is evaluated yet. Pass the same points to several calls of `is_zero`
    to share the values of common subexpressions."""
    return [{} for _ in range(POINTS)]


class Shared(sp.Dummy):
    """A part of a function, held once however often it is used. To SymPy it is a symbol: written
    out, a function could be a tree of a million parts.

    `slopes` are its derivatives by the symbols that its definition names, and `gradient` remembers
    those by whatever these rest on.
    """

    definition: sp.Expr

    def __new__(cls, name: str, definition: sp.Expr) -> Shared:
        shared = sp.Dummy.__new__(cls, name, real=True)
        shared.definition = definition
        shared.rests_on = _rests_on(definition)
        shared.gradient = {}
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


def _rests_on(expr: sp.Expr) -> frozenset[sp.Symbol]:
    symbols = [s.rests_on if isinstance(s, Shared) else {s} for s in expr.free_symbols]
    return frozenset().union(*symbols)


def derivative(whole: sp.Expr, leaf: sp.Symbol) -> sp.Expr:
    """The derivative of a function by a symbol, however many shared parts lie between: the chain
    rule, over SymPy's derivatives of each part. What is shared remembers it."""
    if whole.is_Symbol and not isinstance(whole, Shared):
        return sp.Integer(whole == leaf)
    part = whole if isinstance(whole, Shared) else Shared("whole", whole)
    if leaf not in part.rests_on:
        return sp.S.Zero
    if leaf not in part.gradient:
        moved = {inner: derivative(inner, leaf) for inner in part.slopes}
        terms = [part.slopes[inner] * by_leaf for inner, by_leaf in moved.items() if by_leaf != 0]
        part.gradient[leaf] = Shared(f"d {part} / d {leaf}", sp.Add(*terms))
    return part.gradient[leaf]


def is_zero(expr: sp.Expr, points: Points) -> bool:
    """True if an expression is zero as a rational function of its symbols and activations' values:
    it is evaluated modulo a prime at points whose coordinates are random integers."""
    return all(_value(expr, seed, known) == 0 for seed, known in enumerate(points))


def _value(e: sp.Expr, seed: int, known: dict[sp.Expr, int]) -> int:
    """The value of an expression modulo the prime. An activation's, or a root's, is drawn by lot,
    the same for the same argument."""

    def value(part: sp.Expr) -> int:
        return _value(part, seed, known)

    def drawn(*what: object) -> int:
        return random.Random(f"{seed} {what}").randrange(1, PRIME)

    if e in known:
        return known[e]
    if isinstance(e, Shared):
        result = value(e.definition)
    elif e.is_Symbol:
        result = drawn(e.name)
    elif e.is_Number:
        number = sp.Rational(str(e))
        result = int(number.p) * pow(int(number.q), -1, PRIME) % PRIME
    elif e.is_NumberSymbol:
        result = drawn(str(e))
    elif isinstance(e, Held):
        result = value(e.args[0])
    elif isinstance(e, Elementwise | Peak):
        result = drawn(type(e).__name__, *map(value, e.args))
    elif e.is_Add:
        result = sum(map(value, e.args)) % PRIME
    elif e.is_Mul:
        result = reduce(lambda a, b: a * b % PRIME, map(value, e.args))
    else:
        result = _power(value(e.base), e.exp, drawn)
    known[e] = result
    return result


def _power(base: int, exponent: sp.Expr, drawn: Callable[..., int]) -> int:
    """A power modulo the prime; a fractional one is a power of the root, drawn by lot."""
    over, under = sp.Rational(str(exponent)).as_numer_denom()
    root = base if under == 1 else drawn("root", base, int(under))
    return pow(root, int(over), PRIME)
