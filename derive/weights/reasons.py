"""Why two cells are not the same, in terms of the first equations that differ.

In a sentence the cells are called {source} and {target}, for others to fill in.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import sympy as sp

from derive.cell import Equation
from derive.nodes import Quantity, as_written, symbols_of
from derive.printing import Infix
from derive.weights.forms import Forms, Place


@dataclass(frozen=True)
class Condition:
    """What has to be zero for one cell to do what the other does, and why.

    value  in terms of the source's parameters
    why    what nothing in the target is like, as a sentence
    """

    value: sp.Expr
    why: str


@dataclass(frozen=True)
class Pair:
    """An equation of the source, and the one of the target that should be the same."""

    source: Forms
    target: Forms
    places: tuple[Quantity, Quantity]

    @property
    def equations(self) -> str:
        """Both of them."""
        one, other = (
            f"`{written(forms.equation(place))}`"
            for forms, place in zip((self.source, self.target), self.places, strict=True)
        )
        return f"{{source}} has {one}, and {{target}} {other}"

    def lacking(self, place: Place, what: sp.Expr, others: Iterable[Place]) -> Condition:
        """The condition that a term of the source is zero, for which the target has none; but it
        may have some at `others`."""
        value = -what if what.could_extract_minus_sign() else what
        alike = [other for other in others if other.whole == place.whole and other != place]
        names = " and ".join(f"`{q}`" for q in sorted(symbols_of(value), key=str))
        remark = f"nothing in {{target}} acts as {names} does"
        if alike and place.inside is not None:
            is_product = alike[0].inside is not None
            other = f"{names} is a matrix, and {{target}} has a vector in its place"
            remark = moved(place, alike[0]) if is_product else other
        return Condition(value, f"{self.equations}: {remark}")


def written(equation: Equation) -> str:
    """An equation as a person writes it."""
    return f"{equation.lhs} = {Infix().written_as(equation)(equation.rhs)}"


def contradiction(value: sp.Expr) -> Condition:
    """The condition that a parameter of the target need not be two things at once."""
    value = -value if value.could_extract_minus_sign() else value
    return Condition(
        value,
        f"`{as_written(value)}` would have to be zero, since {{target}} has one parameter where "
        f"{{source}} has several",
    )


def moved(one: Place, other: Place) -> str:
    """What acts before a product in one place, and after it in the other."""
    inside = [set() if p.inside is None else set(sp.Mul.make_args(p.inside)) for p in (one, other)]
    order = {True: ("before", "after"), False: ("after", "before")}
    words = []
    for factor in sorted(inside[0] ^ inside[1], key=str):
        first, second = order[factor in inside[0]]
        words.append(
            f"{factor} acts {first} the product in {{source}}, and {second} it in {{target}}"
        )
    return "; ".join(words)


def distinct(conditions: Iterable[Condition]) -> tuple[Condition, ...]:
    """Conditions without those that say the same again."""
    found: dict[sp.Expr, Condition] = {}
    for condition in conditions:
        found.setdefault(condition.value, condition)
    return tuple(found.values())
