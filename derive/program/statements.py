"""What a program is made of, once it is decided what runs when and where everything lies."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from derive.nodes import Quantity


@dataclass(frozen=True)
class Statement:
    """One thing to do. `outs` are written; with `adds` the result is added to what is there
    already."""

    outs: tuple[Quantity, ...]
    adds: bool


@dataclass(frozen=True)
class Product(Statement):
    """outs = stacked(matrices) @ operand, for all of `outs` in one product."""

    matrices: tuple[Quantity, ...]
    operand: Quantity


@dataclass(frozen=True)
class PullBack(Statement):
    """out = stacked(matrices)ᵀ @ stacked(operands), the sum over all of them in one product."""

    matrices: tuple[Quantity, ...]
    operands: tuple[Quantity, ...]


@dataclass(frozen=True)
class OuterTotal(Statement):
    """outs = Σ over steps and sequences of stacked(lefts) ⊗ right: the gradient of stacked
    matrices."""

    lefts: tuple[Quantity, ...]
    right: Quantity


@dataclass(frozen=True)
class Total(Statement):
    """outs = Σ over steps and sequences of stacked(terms): the gradient of parameter vectors."""

    terms: tuple[sp.Expr, ...]


@dataclass(frozen=True)
class AddStack(Statement):
    """outs += stacked(vectors), one addition for all."""

    vectors: tuple[Quantity, ...]


@dataclass(frozen=True)
class Activate(Statement):
    """outs = functions(arguments), in place, where one call of tanh serves sigmoids and tanhs."""

    arguments: tuple[Quantity, ...]
    functions: tuple[str, ...]


@dataclass(frozen=True)
class Compute(Statement):
    """out = expr, elementwise."""

    expr: sp.Expr
