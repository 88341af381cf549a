"""Expressions as ONNX's operators."""

from __future__ import annotations

from derive.backends.functional.graph import Value
from derive.backends.functional.nodes import NodePrinter
from derive.evaluation.arrays import extent


class OnnxPrinter(NodePrinter):
    """Writes expressions into a graph of ONNX's operators."""

    own = "cellwright."  # its functions: templates/onnx/functions.onnx.j2
    operators = {
        "add": "Add", "subtract": "Sub", "multiply": "Mul", "divide": "Div", "negative": "Neg",
        "power": "Pow", "matmul": "MatMul", "sum": "ReduceSum", "largest": "ReduceMax",
        "greater": "Greater", "choose": "Where", "maximum": "Max", "absolute": "Abs",
        "tanh": "Tanh", "sigmoid": "Sigmoid", "relu": "Relu", "exp": "Exp", "log": "Log",
        "sqrt": "Sqrt", "sin": "Sin", "cos": "Cos", "sign": "Sign", "floor": "Floor",
        "copy": "Identity",
    }  # fmt: skip

    def filled(self, value, like):
        lengths = self.graph.integers("lengths", *(extent(like.axes, self.sizes) or (1,)))
        if not like.is_fixed:
            before = self.node("Shape", (), self.lead[0], start="0", end=str(self.lead[1]))
            lengths = self.node("Concat", (), before, lengths, axis="0")
        return self.node("Expand", like.axes, self.seen(value, like.axes), lengths)

    def between(self, value, axes, places):
        at = self.graph.integers("axes", *places)
        name = self.graph.add("Unsqueeze", (value, at), f"{value.name}_unsqueezed")
        return Value(name, axes, value.is_fixed)

    def transpose(self, matrix):
        name = self.graph.add("Transpose", (matrix,), f"{matrix.name}_T", perm="[1, 0]")
        return Value(name, matrix.axes[::-1])

    def einsum(self, words, axes, *operands, parts):
        return self.node("Einsum", axes, *operands, parts=parts, equation=f'"{words}"')

    def reduced(self, word, whole, along):
        places = [k - len(whole.axes) for k, axis in enumerate(whole.axes) if axis in along]
        left = tuple(axis for axis in whole.axes if axis not in along)
        at = self.graph.integers("axes", *places)
        found = self.node(word, left, whole, at, keepdims="0")
        return found if left else self.between(found, (), [-1])
