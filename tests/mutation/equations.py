"""The derived equations, changed one at a time between derivation and program.

    normal    a cell's equations in normal form, as forward runs them
    adjoint   their adjoints, as backward and hvp run them
    tangent   their tangents, as jvp and hvp run them
    second    the tangents of the adjoints, as hvp runs them

The program is built from the changed list as it always is, and printed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import cycle
from unittest import mock

import sympy as sp

from derive import compiler
from derive.adjoint import Adjoint, adjoint
from derive.cell import Equation
from derive.nodes import MatVec, Outer, Quantity, Transposed, as_written, symbols_of
from derive.program import passes
from derive.tangent import tangent
from mutation.mutant import Mutant
from mutation.subjects import AFTER, ANTISYMMETRIC, PEEPHOLE, SLSTM, Subject

STAGES = ("normal", "adjoint", "tangent", "second")
Equations = tuple[Equation, ...]
Change = Callable[[Equations], Equations]


def mutants() -> Iterator[Mutant]:
    """Every change to the derived equations of the cells that are looked at."""
    for subject in (PEEPHOLE, AFTER, ANTISYMMETRIC, SLSTM):
        for stage, equations in derived(subject).items():
            for k, equation in enumerate(equations):
                for operator, rhs in changes(equation, equations[:k]):
                    yield made(subject, stage, k, equation, operator, rhs)


def made(
    subject: Subject, stage: str, k: int, equation: Equation, operator: str, rhs: sp.Expr
) -> Mutant:
    """One changed equation as a mutant."""
    changed = replace(equation, rhs=rhs)

    def modules() -> Iterable[tuple[Subject, str]]:
        text = generated(subject, stage, lambda found: (*found[:k], changed, *found[k + 1 :]))
        return [(subject, text)]

    before, after = (f"{equation.lhs} = {as_written(e)}" for e in (equation.rhs, rhs))
    return Mutant("equations", operator, f"{subject} {stage}", before, after, (subject,), modules)


# --- where the equations are, and where they go ---------------------------------------------------


def derived(subject: Subject) -> dict[str, Equations]:
    """The equations of each stage, as they go into the program."""
    found: dict[str, Equations] = {}
    for stage in STAGES:

        def keep(equations: Equations, stage: str = stage) -> Equations:
            return found.setdefault(stage, equations)

        generated(subject, stage, keep)
    return found


def generated(subject: Subject, stage: str, change: Change) -> str:
    """The module made with the equations of one stage changed."""
    stages = cycle(("tangent", "second"))  # in the order in which the program asks for them

    def changed_adjoint(cell) -> Adjoint:
        right = adjoint(cell)
        if stage == "normal":
            return replace(right, forward=change(right.forward))
        return replace(right, backward=change(right.backward)) if stage == "adjoint" else right

    def changed_tangent(equations, *arguments, **keywords) -> Equations:
        right = tangent(equations, *arguments, **keywords)
        return change(right) if next(stages) == stage else right

    with (
        mock.patch("derive.program.program.adjoint", changed_adjoint),
        mock.patch.object(passes, "tangent", changed_tangent),
    ):
        (text,) = compiler.generate(subject.cell, store=subject.store).values()
    return text


# --- what can be changed in an equation -----------------------------------------------------------


def changes(equation: Equation, earlier: Equations) -> Iterator[tuple[str, sp.Expr]]:
    """Right-hand sides that are wrong in one place: (what was done, the expression)."""
    seen = {equation.rhs}
    for rule in (terms, factors, complements, products, quantities):
        for operator, rhs in rule(equation, earlier):
            if rhs not in seen:
                seen.add(rhs)
                yield operator, rhs


def ordered(parts: Iterable[sp.Expr]) -> list[sp.Expr]:
    """In an order of our own, never SymPy's or a hash's."""
    return sorted(parts, key=as_written)


def terms(equation: Equation, earlier: Equations) -> Iterator[tuple[str, sp.Expr]]:
    """A sum without one of its terms, with one subtracted, with one added twice."""
    for term in ordered(sp.Add.make_args(equation.rhs)):
        if term != 0:
            yield "drop term", equation.rhs - term
            yield "flip sign", equation.rhs - 2 * term
            yield "add twice", equation.rhs + term


def factors(equation: Equation, earlier: Equations) -> Iterator[tuple[str, sp.Expr]]:
    """A product without one of its factors; a power as one less, or as the base."""
    for term in ordered(sp.Add.make_args(equation.rhs)):
        if isinstance(term, sp.Mul):
            for factor in ordered(term.args):
                yield "drop factor", equation.rhs - term + term / factor
    for power in ordered(equation.rhs.atoms(sp.Pow)):
        yield "drop power", equation.rhs.xreplace({power: power.base})


def complements(equation: Equation, earlier: Equations) -> Iterator[tuple[str, sp.Expr]]:
    """s for 1 - s, and 1 + s."""
    for part in ordered(equation.rhs.atoms(sp.Add)):
        number, rest = part.as_coeff_Add()
        if number == 1:
            yield "1 - s", equation.rhs.xreplace({part: -rest})
            yield "1 - s", equation.rhs.xreplace({part: 1 - rest})


def products(equation: Equation, earlier: Equations) -> Iterator[tuple[str, sp.Expr]]:
    """A matrix transposed, or no longer, where it is square; an outer product the other way."""
    rhs = equation.rhs
    for product in ordered(rhs.atoms(MatVec)):
        matrix, vector = product.args
        transposed = matrix.args[0] if isinstance(matrix, Transposed) else Transposed(matrix)
        if square(matrix):
            yield "transpose", rhs.xreplace({product: MatVec(transposed, vector)})
    for outer in ordered(rhs.atoms(Outer)):
        left, right = outer.args
        if left.axes == right.axes:
            yield "transpose", rhs.xreplace({outer: Outer(right, left)})


def square(matrix: sp.Expr) -> bool:
    """True if a matrix, or the one it is the transpose of, has as many rows as columns."""
    inner = matrix.args[0] if isinstance(matrix, Transposed) else matrix
    return inner.axes[0] == inner.axes[1]


def quantities(equation: Equation, earlier: Equations) -> Iterator[tuple[str, sp.Expr]]:
    """A quantity in the place of another of the same shape: the one before it among those that are
    read here or defined earlier."""
    defined = [e.lhs for e in earlier]
    near = dict.fromkeys([*defined, *(q for e in earlier for q in by_name(e))])
    known = list(dict.fromkeys([*near, *by_name(equation)]))
    for q in by_name(equation):
        alike = [p for p in known if p.axes == q.axes]
        yield "other quantity", equation.rhs.xreplace({q: alike[alike.index(q) - 1]})


def by_name(equation: Equation) -> list[Quantity]:
    """The quantities that an equation reads."""
    return sorted(symbols_of(equation.rhs), key=str)
