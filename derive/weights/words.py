"""Expressions of parameters as people read them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import sympy as sp

from derive.names import ranks
from derive.nodes import Quantity
from derive.printing import ATOM, Infix
from derive.weights.values import Diagonal


class Words(Infix):
    """Prints what a parameter is made of; each by its name, or by where it is found."""

    def __init__(self, parameters: Iterable[Quantity], places: Mapping[str, str] | None = None):
        super().__init__(ranks(p.name for p in parameters))
        self.places = places

    def symbol(self, symbol: sp.Symbol) -> str:
        return symbol.name if self.places is None else self.places.get(symbol.name, "0")

    def dispatch(self, expr: sp.Expr) -> tuple[str, int]:
        if isinstance(expr, Diagonal):
            return f"diag({self(expr.args[0])})", ATOM
        return super().dispatch(expr)
