"""The number that somebody meant: a float of sixteen digits may be a third, √3 or π / 4.

A number in a cell is computed before we see it, so that what is shown would be its digits. Where
those of a simple expression are the same, it is shown in their place. There are a few hundred
thousand such expressions and 10**15 times as many floats: none is found by accident.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

import sympy as sp

LARGEST = 100  # of a fraction's numerator and denominator
SHORT = 12  # digits of a number that stands for itself


def digits(value: float) -> str:
    """A number with all its digits, but for those that rounding has added: 1 - 0.95 is 0.05."""
    nearly = f"{value:.15g}"
    mantissa = nearly.partition("e")[0].lstrip("-0.").replace(".", "")
    return nearly if len(mantissa.rstrip("0")) <= SHORT else repr(value)


@lru_cache(maxsize=1024)
def meant(value: float) -> sp.Expr | None:
    """A fraction, a root of one, or either times π or a power of it, that is this number to the
    last digits; None where there is none, or where the number is short itself."""
    if repr(value) == "inf" or len(digits(value)) <= SHORT:
        return None
    half = sp.Rational(1, 2)
    for factor in (sp.S.One, sp.pi, 1 / sp.pi, sp.pi**half, sp.pi**-half, sp.E):
        rest = abs(value) / float(factor)
        for power in (1, 2):
            fraction = Fraction(rest**power).limit_denominator(LARGEST)
            if 0 < fraction.numerator <= LARGEST and _same(float(fraction) ** (1 / power), rest):
                root = sp.Rational(fraction) if power == 1 else sp.Rational(fraction) ** half
                return sp.sign(value) * root * factor
    return None


def in_meant_parts(product: sp.Expr) -> sp.Expr:
    """A product with the factors of a number that was meant in the place of its digits."""
    parts = [
        part
        for factor in sp.Mul.make_args(product)
        for part in sp.Mul.make_args((meant(float(factor)) if factor.is_Float else None) or factor)
    ]
    return sp.Mul(*parts, evaluate=False)


def _same(one: float, other: float) -> bool:
    return abs(one - other) <= 4e-16 * abs(other)
