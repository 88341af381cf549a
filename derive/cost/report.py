"""The cost of a cell: work by kind, memory, and the critical path from step to step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType

import sympy as sp

from derive.cell import Cell, Equation
from derive.cost import predicted
from derive.cost.measured import B, T, counted
from derive.nodes import Quantity, symbols_of
from derive.program.program import Program


@dataclass(frozen=True)
class CellCost:
    """The cost of a cell's generated NumPy module, as polynomials in T, B and the axes' letters.

    work        for forward, backward and hvp: multiply-adds, elementwise operations, transcendental
                functions and NumPy calls, as counted in the running code
    parameters  how many numbers the parameters are
    kept        how many numbers forward keeps for backward, for each step of each sequence
    recurrent   the multiply-adds of one step of one sequence that wait for the step before
    depth       the operations on the longest path from a state to a new state, one after another
    savings     what each rule of the program saved, in words
    """

    work: Mapping[str, Mapping[str, sp.Expr]]
    parameters: sp.Expr
    kept: sp.Expr
    recurrent: sp.Expr
    depth: int
    savings: tuple[predicted.Saving, ...]


def cost_of(cell: Cell, module: ModuleType) -> CellCost:
    """The cost of a cell, of which `module` is the generated module."""
    program = Program(cell)
    return CellCost(
        work=counted(cell, module),
        parameters=predicted.parameters(program),
        kept=predicted.kept(program),
        recurrent=predicted.cost(program.loops.forward.during).multiply_adds,
        depth=depth(cell, program.derivation.forward),
        savings=tuple(predicted.savings(program)),
    )


def depth(cell: Cell, equations: tuple[Equation, ...]) -> int:
    """The longest chain of products, functions and elementwise operations within one step that
    begins at a state and ends at a new state."""
    longest: dict[Quantity, int] = dict.fromkeys(cell.states, 0)
    for equation in equations:
        if longest.keys() & symbols_of(equation.rhs):
            longest[equation.lhs] = _chain(equation.rhs, longest)
    return max(longest.get(new, 0) for new in cell.updates.values())


def _chain(expr: sp.Expr, longest: Mapping[Quantity, int]) -> int:
    """The longest chain that ends with this expression; -1 where none leads to it. A sum or a
    product of many parts is one operation, a sign none."""
    if isinstance(expr, Quantity):
        return longest.get(expr, -1)
    before = max((_chain(part, longest) for part in expr.args), default=-1)
    sign = isinstance(expr, sp.Mul) and len(expr.args) == 2 and expr.args[0] == -1
    return before if before < 0 or sign else before + 1


def per_step(count: sp.Expr) -> sp.Expr:
    """The part of a count that belongs to each step of each sequence."""
    return sp.expand(count).coeff(T).coeff(B)


def once(count: sp.Expr) -> sp.Expr:
    """The part that does not: what is done once a call, or once a step for all sequences."""
    return sp.expand(count - T * B * per_step(count))
