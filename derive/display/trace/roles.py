"""What a gate does, and which state is which memory: known from the equations alone.

A gate is a value of a sigmoid that multiplies something. What it does follows from what it
multiplies, and where: with an old state in that state's own update it *keeps*; in another term of
an update it *lets in*; where the product is all of an update it *lets out*; elsewhere, inside a
formula, it *lets through*. A gate q may act as 1 - q too.

A state to whose old value the new one adds is a long memory; one that is computed anew is a short
one. Where a cell has but one kind, it is just its memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

import sympy as sp

from derive.cell import Cell, Equation
from derive.display.derivation import Textbook
from derive.nodes import Quantity, symbols_of


class Does(StrEnum):
    """What a gate does."""

    KEEPS = "keeps"
    LETS_IN = "lets in"
    LETS_OUT = "lets out"
    LETS_THROUGH = "lets through"


@dataclass(frozen=True)
class Role:
    """One product that a gate stands in.

    gate     the gate
    share    what it multiplies with: itself, or 1 - itself
    partner  what it multiplies
    does     what that does
    """

    gate: Quantity
    share: sp.Expr
    partner: sp.Expr
    does: Does


def shares(book: Textbook) -> dict[sp.Expr, Quantity]:
    """What a gate may act as, with the gate: itself, 1 - itself, and what is called either."""
    found = {share: gate for gate in book.cell.gates for share in (gate, 1 - gate)}
    return found | {e.lhs: found[e.rhs] for e in book.forward if e.rhs in found}


def shares_in(product: sp.Expr, shares: Mapping[sp.Expr, Quantity]) -> dict[sp.Expr, Quantity]:
    """The factors of a product that are shares, each with its gate."""
    return {f: shares[f] for f in sp.Mul.make_args(product) if f in shares}


def roles(book: Textbook) -> tuple[Role, ...]:
    """All products with a gate, in the order of the equations."""
    known = shares(book)
    return tuple(role for e in book.forward for role in _roles(e, book.cell, known))


def _roles(equation: Equation, cell: Cell, shares: Mapping[sp.Expr, Quantity]) -> Iterator[Role]:
    olds = {old for old, new in cell.updates.items() if new == equation.lhs}
    updates = bool(olds) or equation.lhs == cell.output
    terms = sp.Add.make_args(equation.rhs)
    products = (p for p in sp.preorder_traversal(equation.rhs) if isinstance(p, sp.Mul))
    for product in products:
        for share, gate in shares_in(product, shares).items():
            partner = product / share
            does = Does.LETS_THROUGH
            if updates and product in terms:
                does = Does.LETS_IN if len(terms) > 1 else Does.LETS_OUT
            if olds & symbols_of(partner):
                does = Does.KEEPS
            if not partner.is_number:
                yield Role(gate, share, partner, does)


def memories(cell: Cell) -> dict[Quantity, str]:
    """What each state is called: ``long memory``, ``short memory``, or ``memory`` where there is
    one kind alone."""
    formulas = {e.lhs: e.rhs for e in cell.equations}
    kinds = {s: _adds_to(formulas[cell.updates[s]], s) for s in cell.states}
    if len(set(kinds.values())) == 1:
        return dict.fromkeys(cell.states, "memory")
    return {s: "long memory" if long else "short memory" for s, long in kinds.items()}


def _adds_to(rhs: sp.Expr, state: Quantity) -> bool:
    """Whether a formula is a sum, or a quotient of one, in which a term is the state with factors
    before it."""
    sums = [part for part in sp.Mul.make_args(rhs) if isinstance(part, sp.Add)] or [rhs]
    terms = [term for part in sums for term in sp.Add.make_args(sp.expand_mul(part))]
    return any(state in sp.Mul.make_args(term) for term in terms)
