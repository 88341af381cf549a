"""The rule that divides once: what the terms of a sum are all divided by stands outside.

The adjoint of a vector that was standardised, ``y = (v - mean(v)) / sigma``, comes in pieces: its
own share, that by way of the mean and that by way of the deviation, each divided by sigma. Together
they are ``dv = (dy - mean(dy) - y * mean(dy * y)) / sigma``: two means of what is there anyway, and
one division. What is moved is one number for each sequence, or for each of its heads; to divide a
vector by another is as much work in one place as in the other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

import sympy as sp

from derive.cell import Equation
from derive.names import fresh
from derive.nodes import FeatureSum, Quantity, symbols_of
from derive.program.layout import name_of
from derive.program.loop import Loop


def collect(loop: Loop) -> Loop:
    """Divide sums, and the reductions that they read, as late as may be."""
    once = map(_divided_once, map(_merged, _undivided(loop)))
    return replace(loop, during=tuple(once))


# --- reductions ----------------------------------------------------------------------------------


def _undivided(loop: Loop) -> Iterable[Equation]:
    """The equations, where a sum over features is not divided by what all its readers divide other
    terms by: they divide it as well. Numbers that they multiply it with go to the sum."""
    taken = loop.taken()
    left = {e.lhs: e for e in loop.during}
    for q in [e.lhs for e in loop.during if e.lhs not in loop.ends]:
        sums, rest = _parts(left[q].rhs, lambda f: isinstance(f, FeatureSum))
        number, divisor = _parts(rest, lambda f: not symbols_of(f))
        readers = [e for e in left.values() if q in symbols_of(e.rhs)]
        if not isinstance(sums, FeatureSum) or divisor == 1 or not readers:
            continue
        beside = {_number_beside(q, e.rhs, divisor) for e in readers}
        (factor, *others) = beside
        if others or factor is None:
            continue
        reduced = Quantity(fresh(_name(q, sums), taken), q.axes)
        size = factor * sp.Abs(number)
        left[q] = replace(left[q], lhs=reduced, rhs=size * sums)
        inside = {q: reduced * number * divisor / size}
        left |= {e.lhs: replace(e, rhs=e.rhs.xreplace(inside)) for e in readers}
    return left.values()


def _number_beside(q: Quantity, expr: sp.Expr, divisor: sp.Expr) -> sp.Expr | None:
    """The size of the number with which a sum of terms multiplies q wherever it reads it, if it
    divides a term without q by the same as q is divided by."""
    terms = sp.Add.make_args(expr)
    read = [term for term in terms if q in symbols_of(term)]
    plain = all(q in sp.Mul.make_args(t) and q not in symbols_of(t / q) for t in read)
    divides = set(sp.Mul.make_args(divisor))
    also = any(divides <= set(sp.Mul.make_args(t)) for t in terms if t not in read)
    sizes = {sp.Abs(_parts(t, lambda f: not symbols_of(f))[0]) for t in read}
    return sizes.pop() if plain and also and len(sizes) == 1 else None


def _parts(product: sp.Expr, kind) -> tuple[sp.Expr, sp.Expr]:
    """The factors of a kind, and the others."""
    factors = sp.Mul.make_args(product)
    return sp.Mul(*filter(kind, factors)), sp.Mul(*(f for f in factors if not kind(f)))


def _name(q: Quantity, total: FeatureSum) -> str:
    """What is summed up, by its own words: ``mean_dp_p`` for the products dp_f * p_f, …"""
    terms = [sp.Mul.make_args(term) for term in sp.Add.make_args(total.args[0])]
    named = all(isinstance(f, Quantity) for term in terms for f in term)
    if not named or len({len(term) for term in terms}) > 1:
        return f"{q}_part"
    words = zip(*(sorted(term, key=str) for term in terms), strict=True)
    return "_".join(["mean", *(name_of(tuple(sorted(some, key=str))) for some in words)])


# --- sums ----------------------------------------------------------------------------------------


def _merged(equation: Equation) -> Equation:
    """The equation, where what stands beside the product of a sum goes into that sum, if it is like
    one of its terms: of ``d * (1 - f) - d * f``, the tangent of f (1 - f), ``d * (1 - 2 * f)``."""
    rhs = equation.rhs.replace(sp.Add, lambda *terms: _sum_of(list(terms)))
    return replace(equation, rhs=rhs)


def _sum_of(terms: list[sp.Expr]) -> sp.Expr:
    for term in terms:
        for inner in (f for f in sp.Mul.make_args(term) if isinstance(f, sp.Add)):
            beside = term / inner
            for other in (t for t in terms if t != term):
                number, like = (other / beside).as_coeff_Mul()
                if like in (part.as_coeff_Mul()[1] for part in inner.args):
                    left = [t for t in terms if t not in (term, other)]
                    return _sum_of([*left, beside * (inner + number * like)])
    return sp.Add(*terms)


def _divided_once(equation: Equation) -> Equation:
    """The equation, where terms that are divided by one number are divided together."""
    terms = sp.Add.make_args(equation.rhs)
    divisors = Counter(d for term in terms for d in _divisors(term, equation.lhs))
    common = [d for d, times in divisors.items() if times > 1]
    if not common:
        return equation
    by = max(common, key=lambda d: (divisors[d], str(d)))
    inside = [term * by for term in terms if by in _divisors(term, equation.lhs)]
    others = [term for term in terms if by not in _divisors(term, equation.lhs)]
    return _divided_once(replace(equation, rhs=sp.Add(*others, sp.Add(*inside) / by)))


def _divisors(term: sp.Expr, whole: Quantity) -> set[Quantity]:
    """The numbers that a term is divided by, of what has features."""
    return {
        f.base
        for f in sp.Mul.make_args(term)
        if isinstance(f, sp.Pow) and f.exp.is_integer and f.exp.is_negative
        if isinstance(f.base, Quantity) and len(f.base.axes) < len(whole.axes)
    }
