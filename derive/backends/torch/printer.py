"""Expressions as PyTorch writes them, on whole tensors."""

from __future__ import annotations

from collections.abc import Sequence

import sympy as sp

from derive.backends.functional.printer import StackingPrinter
from derive.nodes import Outer, Quantity, axes_of, symbols_of
from derive.printing import ATOM

# What PyTorch has under the same name.
FUNCTIONS = "tanh sigmoid exp expm1 log log1p sqrt sin cos relu sign floor maximum".split()


class TorchPrinter(StackingPrinter):
    """Prints expressions on tensors."""

    library = "torch"
    calls = {name: f"torch.{name}" for name in FUNCTIONS}
    maximum = "amax"

    def einsum(self, node, along=()):
        """For the gradient of a matrix PyTorch's own `einsum` copies both operands."""
        is_total = isinstance(node, Outer) and self.leading == "tb"
        if is_total and all(len(q.axes) == 1 and q not in self.fixed for q in node.args):
            return f"_outer({', '.join(map(self.place, node.args))})"
        return super().einsum(node, along)

    def product(self, expr):
        """The slopes of σ and tanh, in terms of their values, are one call with what they are
        multiplied with."""
        factors = set(sp.Mul.make_args(expr))
        for q in sorted((f for f in factors if isinstance(f, Quantity)), key=str):
            if 1 - q in factors:
                return self.slope("sigmoid", q, factors - {q, 1 - q}) or super().product(expr)
        for factor in sorted(factors, key=str):
            for q in symbols_of(factor) if isinstance(factor, sp.Add) else ():
                if factor == 1 - q**2:
                    return self.slope("tanh", q, factors - {factor}) or super().product(expr)
        return super().product(expr)

    def slope(self, function: str, q: Quantity, others: set[sp.Expr]) -> tuple[str, int] | None:
        """Such a product as a call, where the others have the same shape."""
        rest = sp.Mul(*others)
        if q in self.fixed or axes_of(rest) != q.axes or not any(o.has(Quantity) for o in others):
            return None
        return f"_by_{function}({self(rest)}, {self.place(q)})", ATOM

    def argument(self, expr):
        """What a function takes is a tensor, a number and a size, too."""
        return self(expr) if expr.has(Quantity) else f"_number({self(expr)})"

    # stacks

    @staticmethod
    def beside(names: Sequence[str]) -> str:
        return f"torch.cat(({', '.join(names)}), -1)"

    @staticmethod
    def above(names: Sequence[str]) -> str:
        return f"torch.cat(({', '.join(names)}))"

    @staticmethod
    def part(name: str, start: str, stop: str) -> str:
        return f"{name}[..., {start}:{stop}]"

    @staticmethod
    def parts(text: str, lengths: Sequence[str], axis: int) -> str:
        if len(set(lengths)) == 1:
            return f"{text}.chunk({len(lengths)}, {axis})"
        return f"{text}.split(({', '.join(lengths)}), {axis})"

    @staticmethod
    def sum_and_product(base: str, rows: str, matrix: str) -> str:
        return f"torch.addmm({base}, {rows}, {matrix})"

    @staticmethod
    def vector_total(vectors: str) -> str:
        return f"{vectors}.sum((0, 1))"

    @staticmethod
    def outer_total(lefts: str, rights: str) -> str:
        return f"_outer({lefts}, {rights})"


class EntryPrinter(TorchPrinter):
    """Prints what a parameter's entries are by a formula of their place, and of sizes by name."""

    def symbol(self, symbol):
        text = super().symbol(symbol)
        return text if isinstance(symbol, Quantity) else f'sizes["{text}"]'
