"""Expressions as PyTorch writes them, on whole tensors."""

from __future__ import annotations

from collections.abc import Sequence

from derive.backends.functional.call_printer import CallPrinter
from derive.elementwise import choose
from derive.nodes import Outer, Quantity

# What PyTorch has under the same name.
FUNCTIONS = "tanh sigmoid exp expm1 log log1p sqrt sin cos relu sign floor maximum".split()


class TorchPrinter(CallPrinter):
    """Prints expressions on tensors."""

    library = "torch"
    calls = {name: f"torch.{name}" for name in FUNCTIONS} | {"choose": "torch.where"}
    maximum = "amax"

    def einsum(self, node, along=()):
        """For the gradient of a matrix PyTorch's own `einsum` copies both operands."""
        is_total = isinstance(node, Outer) and self.leading == "tb"
        if is_total and all(len(q.axes) == 1 and q not in self.fixed for q in node.args):
            return f"_outer({', '.join(map(self.place, node.args))})"
        return super().einsum(node, along)

    def arguments(self, expr):
        """Tensors, numbers and sizes among them; of a choice, first the condition."""
        taken = [
            text if argument.has(Quantity) else f"_number({text})"
            for argument, text in zip(expr.args, super().arguments(expr), strict=True)
        ]
        return [f"{taken[0]} > 0", *taken[1:]] if isinstance(expr, choose) else taken

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
    def sum_and_entries(base: str, left: str, right: str, is_less: bool) -> str:
        return f"torch.addcmul({base}, {left}, {right}{', value=-1' * is_less})"

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
