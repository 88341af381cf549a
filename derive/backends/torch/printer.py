"""Expressions as PyTorch writes them, on whole tensors."""

from __future__ import annotations

from derive.backends.functional.printer import FunctionalPrinter
from derive.elementwise import choose
from derive.nodes import Quantity

# What PyTorch has under the same name.
FUNCTIONS = "tanh sigmoid exp expm1 log log1p sqrt sin cos relu sign floor maximum".split()


class TorchPrinter(FunctionalPrinter):
    """Prints expressions on tensors."""

    library = "torch"
    calls = {name: f"torch.{name}" for name in FUNCTIONS} | {"choose": "torch.where"}
    maximum = "amax"

    def arguments(self, expr):
        """Tensors, numbers and sizes among them; of a choice, first the condition."""
        taken = [
            text if argument.has(Quantity) else f"_number({text})"
            for argument, text in zip(expr.args, super().arguments(expr), strict=True)
        ]
        return [f"{taken[0]} > 0", *taken[1:]] if isinstance(expr, choose) else taken


class EntryPrinter(TorchPrinter):
    """Prints what a parameter's entries are by a formula of their place, and of sizes by name."""

    def symbol(self, symbol):
        text = super().symbol(symbol)
        return text if isinstance(symbol, Quantity) else f'sizes["{text}"]'
