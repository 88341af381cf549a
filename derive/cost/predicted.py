"""What a cell costs, as functions of its sizes, and what each rule of the program saves.

Counts are for one step of one sequence. A multiply-add is one entry of a matrix times one of a
vector; an elementwise operation is one addition, multiplication or division of one entry;
activations are counted apart, since each costs as much as many of these.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import sympy as sp

from derive.cell import Equation
from derive.deviation import Composed
from derive.elementwise import Declared, Elementwise
from derive.nodes import (
    Axes,
    MatVec,
    Node,
    Outer,
    Quantity,
    Size,
    Transposed,
    axes_of,
    outermost_nodes,
)
from derive.printing import fraction
from derive.program.program import Program
from derive.program.statements import PRODUCTS


@dataclass(frozen=True)
class Cost:
    """Counts as polynomials in the sizes H, I, …"""

    multiply_adds: sp.Expr
    elementwise: sp.Expr
    activations: sp.Expr

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.multiply_adds + other.multiply_adds,
            self.elementwise + other.elementwise,
            self.activations + other.activations,
        )


NOTHING = Cost(sp.S.Zero, sp.S.Zero, sp.S.Zero)


def cost(equations: Iterable[Equation]) -> Cost:
    """The cost of evaluating the equations once."""
    return sum((_cost_of(e.rhs) for e in equations), start=NOTHING)


def size(axes: Axes) -> sp.Expr:
    """How many numbers a quantity of that shape is."""
    return sp.Mul(*(Size(axis) for axis in axes))


def _cost_of(expr: sp.Expr) -> Cost:
    if isinstance(expr, Composed):
        return _cost_of(expr.formula())
    inner = sum((_cost_of(a) for a in expr.args), start=NOTHING)
    n = size(axes_of(expr)) if expr.args and not isinstance(expr, Transposed) else sp.S.Zero
    if isinstance(expr, MatVec):
        return inner + Cost(size(axes_of(expr.args[0])), sp.S.Zero, sp.S.Zero)
    if isinstance(expr, Outer):
        return inner + Cost(n, sp.S.Zero, sp.S.Zero)
    if isinstance(expr, Node) and expr.is_reduction:
        return inner + Cost(sp.S.Zero, size(axes_of(expr.args[0])), sp.S.Zero)
    if isinstance(expr, Declared):
        return inner  # the value is there
    if isinstance(expr, Elementwise):
        return inner + Cost(sp.S.Zero, sp.S.Zero, n)
    return inner + Cost(sp.S.Zero, _operations(expr) * n, sp.S.Zero)


def _operations(expr: sp.Expr) -> int:
    """How many additions, multiplications and divisions join the parts of an expression."""
    if isinstance(expr, sp.Add):
        return len(expr.args) - 1
    if isinstance(expr, sp.Mul):
        over, under = fraction(expr)
        return len([f for f in over if f != -1]) + len(under) - bool(over)
    return int(isinstance(expr, sp.Pow))


def parameters(program: Program) -> sp.Expr:
    """How many numbers the parameters are."""
    return sp.Add(*(size(p.axes) for p in program.cell.parameters))


def kept(program: Program) -> sp.Expr:
    """How many numbers forward keeps for each step of each sequence."""
    cell = program.cell
    return sp.Add(*(size(q.axes) for q in (*cell.given, *cell.states, *program.loops.saved)))


@dataclass(frozen=True)
class Saving:
    """What one rule did to one routine."""

    rule: str
    routine: str
    what: str


def savings(program: Program) -> list[Saving]:
    """What the rules saved in forward and backward, each in its own words."""
    rows = []
    for name, routine in ((name, program.routines[name]) for name in ("forward", "backward")):
        loop = routine.loop
        early, late = cost(loop.before), cost(e for e in loop.after if e.lhs in loop.totals)
        products = [n for e in loop.during for n in outermost_nodes(e.rhs) if isinstance(n, MatVec)]
        statements = [s for s in routine.during if isinstance(s, PRODUCTS)]
        shared = [q for q, home in routine.storage.home.items() if q != home]
        if early != NOTHING:
            rows.append(Saving("hoist", name, f"{_work(early)} before the loop"))
        if late.multiply_adds != 0:
            rows.append(Saving("defer", name, f"{_work(late)} after the loop"))
        if len(statements) < len(products):
            what = f"products in a step: {len(statements)} instead of {len(products)}"
            rows.append(Saving("stack", name, what))
        if shared:
            what = f"quantities that lie in the place of another: {len(shared)}"
            rows.append(Saving("storage", name, what))
    cell, equations = program.cell, program.derivation.forward
    named = (*cell.given, *cell.states, *(e.lhs for e in equations))
    everything = sp.Add(*(size(q.axes) for q in named))
    if everything != kept(program):
        rest = f"numbers kept for a step: {text(kept(program))} instead of {text(everything)}"
        rows.append(Saving("save-set", "forward", rest))
    return rows


def _work(done: Cost) -> str:
    """Work that was moved: ``4HI multiply-adds, 4H elementwise``."""
    parts = ((done.multiply_adds, "multiply-adds"), (done.elementwise, "elementwise"))
    return ", ".join(f"{text(n)} {what}" for n, what in parts if n != 0) or "functions"


def summary(program: Program) -> list[str]:
    """What a cell costs, in sentences: what its equations say and generated code cannot change.

    How many elementwise operations there are depends on how code is written; `derive cost` counts.
    """

    cell = program.cell

    def counts(equations: Iterable[Equation]) -> str:
        c = cost(equations)
        parts = ((c.multiply_adds, "multiply-adds"), (c.activations, "activations"))
        return ", ".join(f"{text(count)} {what}" for count, what in parts if count != 0)

    stays = f"{text(kept(program))} numbers"
    if program.store == "checkpoints":
        given, states = (sp.Add(*map(_length, some)) for some in (cell.given, cell.states))
        stays = f"{text(given)} numbers, and {text(states)} before every √T-th step"
    return [
        f"forward: {counts(program.derivation.forward)}",
        f"backward: {counts(program.derivation.backward)}",
        f"kept from forward for backward: {stays}",
    ]


def _length(q: Quantity) -> sp.Expr:
    return size(q.axes)


def text(count: sp.Expr) -> str:
    """A count as a reader writes it: ``4HI + 4H²``."""

    def factor(base: sp.Expr, power: sp.Expr) -> str:
        return str(base) + ("" if power == 1 else {2: "²", 3: "³"}.get(int(power), f"^{power}"))

    terms = []
    for term in sp.Add.make_args(sp.expand(count)):
        number, symbols = term.as_coeff_Mul()
        powers = sorted(symbols.as_powers_dict().items(), key=str) if symbols != 1 else []
        letters = "".join(factor(b, p) for b, p in powers)
        terms.append((letters, f"{'' if number == 1 and letters else number}{letters}"))
    return " + ".join(shown for _, shown in sorted(terms, key=lambda t: (-len(t[0]), t[0])))
