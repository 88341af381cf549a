"""Expressions as PyTorch writes them, on whole tensors."""

from __future__ import annotations

from derive.backends.functional.printer import FunctionalPrinter
from derive.nodes import Outer, Quantity

# What PyTorch has under the same name.
FUNCTIONS = "tanh sigmoid exp expm1 log log1p sqrt sin cos relu sign floor maximum".split()


class TorchPrinter(FunctionalPrinter):
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

    def argument(self, expr):
        """What a function takes is a tensor, a number and a size, too."""
        return self(expr) if expr.has(Quantity) else f"_number({self(expr)})"


class EntryPrinter(TorchPrinter):
    """Prints what a parameter's entries are by a formula of their place, and of sizes by name."""

    def symbol(self, symbol):
        text = super().symbol(symbol)
        return text if isinstance(symbol, Quantity) else f'sizes["{text}"]'
