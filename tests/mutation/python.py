"""Changes to Python text, one place at a time: what mutants of programs and templates are made of.

`edits` reads a syntax tree and gives replacements of pieces of the text, so that everything else
stays as it is, comments and layout too. What it leaves alone says nothing that a test should hold:
texts (documentation and error messages), annotations, imports, and the `strict` of `zip`, which
guards against what cannot happen.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from functools import singledispatchmethod

from mutation.edit import Edit

# What an operator becomes.
BINARY = {
    ast.Add: "-", ast.Sub: "+", ast.Mult: "/", ast.Div: "*", ast.Pow: "*", ast.FloorDiv: "/",
    ast.BitOr: "&", ast.BitAnd: "|",
}  # fmt: skip
COMPARISON = {
    ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">", ast.Eq: "!=", ast.NotEq: "==",
    ast.Is: "is not", ast.IsNot: "is", ast.In: "not in", ast.NotIn: "in",
}  # fmt: skip
FUNCTIONS = {
    "np.add": "np.subtract", "np.subtract": "np.add", "np.multiply": "np.add",
    "np.divide": "np.multiply", "np.maximum": "np.minimum", "np.minimum": "np.maximum",
    "np.tanh": "np.sin", "np.exp": "np.cos", "np.log": "np.sqrt", "np.sqrt": "np.exp",
    "np.sin": "np.cos", "np.cos": "np.sin", "np.log1p": "np.log", "np.greater": "np.less",
    "np.less": "np.greater", "np.any": "np.all", "any": "all", "all": "any", "np.zeros": "np.ones",
    "np.zeros_like": "np.ones_like", "_sigmoid": "np.tanh", "TypeError": "ValueError",
    "ValueError": "TypeError", "np.ascontiguousarray": "np.asarray", "reversed": "list",
    "sorted": "list", "min": "max", "max": "min",
}  # fmt: skip
ORDERED = {
    "np.subtract", "np.divide", "np.power", "np.less", "np.greater", "np.matmul", "np.dot",
    "np.outer", "np.copyto",
}  # fmt: skip
DROPPED = {"where", "axis", "keepdims", "out", "dtype", "initial"}  # keywords
SKIPPED = (ast.JoinedStr, ast.Import, ast.ImportFrom, ast.arguments)


def edits(
    text: str, readable: str | None = None, other: Callable[[ast.Name], str | None] | None = None
) -> list[Edit]:
    """Every change to a text, in the order of their places.

    readable  the text as Python, of the same length, where it is not: see `mutation.target`
    other     the name of another array that may stand in the place of a name
    """
    made = _Edits(text, readable or text, other or (lambda name: None))
    found = [e for e in made.run() if e.new != text[e.start : e.end]]
    return sorted(dict.fromkeys(found), key=lambda e: (e.start, e.end))


class _Edits:
    def __init__(self, text: str, readable: str, other: Callable[[ast.Name], str | None]):
        self.text, self.other = text, other
        self.tree = ast.parse(readable)
        self.lines = readable.splitlines(keepends=True)
        self.starts = [0]
        for line in self.lines:
            self.starts.append(self.starts[-1] + len(line))

    def run(self) -> Iterator[Edit]:
        yield from self.inside(self.tree)

    def inside(self, node: ast.AST) -> Iterator[Edit]:
        yield from self.at(node)
        for name, value in ast.iter_fields(node):
            if name in ("annotation", "returns", "decorator_list"):
                continue
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.keyword) and child.arg == "strict":
                    continue
                if isinstance(child, ast.AST) and not isinstance(child, SKIPPED):
                    yield from self.inside(child)

    # places in the text

    def offset(self, line: int, column: int) -> int:
        """Python counts a column in bytes."""
        before = self.lines[line - 1].encode()[:column]
        return self.starts[line - 1] + len(before.decode())

    def span(self, node: ast.AST) -> tuple[int, int]:
        return (
            self.offset(node.lineno, node.col_offset),
            self.offset(node.end_lineno, node.end_col_offset),
        )

    def code(self, node: ast.AST) -> str:
        start, end = self.span(node)
        return self.text[start:end]

    def edit(self, operator: str, node: ast.AST, new: str) -> Edit:
        return Edit(operator, *self.span(node), new)

    def between(self, operator: str, left: ast.AST, right: ast.AST, old: str, new: str) -> Edit:
        """Replace what stands between two nodes, an operator."""
        start, end = self.span(left)[1], self.span(right)[0]
        return Edit(operator, start, end, self.text[start:end].replace(old, new, 1))

    # what can be changed at a node

    @singledispatchmethod
    def at(self, node: ast.AST) -> Iterator[Edit]:
        return
        yield

    @at.register(ast.Expr)
    @at.register(ast.Assign)
    @at.register(ast.Raise)
    @at.register(ast.Return)
    @at.register(ast.Continue)
    @at.register(ast.Break)
    def _(self, node):
        if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            yield self.edit("drop line", node, "pass")

    @at.register(ast.AugAssign)
    def _(self, node):
        yield self.edit("drop line", node, "pass")
        sign = {ast.Add: "+=", ast.Sub: "-="}.get(type(node.op))
        if sign:
            yield self.between("forget to add", node.target, node.value, sign, "=")
            swapped = {"+=": "-=", "-=": "+="}[sign]
            yield self.between("+ and -", node.target, node.value, sign, swapped)

    @at.register(ast.If)
    def _(self, node):
        yield self.edit("negate condition", node.test, f"not ({self.code(node.test)})")
        if not node.orelse:
            yield self.edit("drop block", node, "pass")

    @at.register(ast.IfExp)
    def _(self, node):
        yield self.edit("negate condition", node.test, f"not ({self.code(node.test)})")

    @at.register(ast.comprehension)
    def _(self, node):
        for test in node.ifs:
            yield self.edit("negate condition", test, f"not ({self.code(test)})")

    @at.register(ast.BoolOp)
    def _(self, node):
        joint = " and " if isinstance(node.op, ast.And) else " or "
        parts = [self.code(value) for value in node.values]
        for k in range(len(parts)):
            rest = joint.join(parts[:k] + parts[k + 1 :])
            yield self.edit("drop operand", node, f"({rest})")
        other = " or " if joint == " and " else " and "
        yield self.edit("and/or", node, f"({other.join(parts)})")

    @at.register(ast.Compare)
    def _(self, node):
        if len(node.ops) == 1:
            left, (right,) = self.code(node.left), map(self.code, node.comparators)
            yield self.edit("comparison", node, f"{left} {COMPARISON[type(node.ops[0])]} {right}")

    @at.register(ast.BinOp)
    def _(self, node):
        left, right = self.code(node.left), self.code(node.right)
        if type(node.op) in BINARY:
            signs = {ast.Add, ast.Sub}
            operator = "+ and -" if type(node.op) in signs else "other operation"
            yield self.edit(operator, node, f"({left}) {BINARY[type(node.op)]} ({right})")
        if isinstance(node.op, ast.Sub | ast.Div | ast.MatMult | ast.Pow):
            sign = {ast.Sub: "-", ast.Div: "/", ast.MatMult: "@", ast.Pow: "**"}[type(node.op)]
            yield self.edit("swap operands", node, f"(({right}) {sign} ({left}))")
        yield self.edit("drop operand", node, f"({left})")
        yield self.edit("drop operand", node, f"({right})")

    @at.register(ast.UnaryOp)
    def _(self, node):
        if isinstance(node.op, ast.Not):
            yield self.edit("negate condition", node, f"({self.code(node.operand)})")
        elif isinstance(node.op, ast.USub):
            yield self.edit("+ and -", node, f"({self.code(node.operand)})")

    @at.register(ast.Call)
    def _(self, node):
        name = self.code(node.func)
        if name in FUNCTIONS:
            yield self.edit("other function", node.func, FUNCTIONS[name])
        if name in ORDERED and len(node.args) >= 2:
            first, second = node.args[:2]
            start, end = self.span(first)[0], self.span(second)[1]
            between = self.text[self.span(first)[1] : self.span(second)[0]]
            new = self.code(second) + between + self.code(first)
            yield Edit("swap operands", start, end, new)
        if name.endswith(".copy") and not node.args and not node.keywords:
            yield self.edit("drop copy", node, self.code(node.func.value))
        for keyword in node.keywords:
            if keyword.arg in DROPPED:
                start, end = self.span(keyword)
                before = self.text.rfind(",", 0, start)
                yield Edit("drop keyword", before, end, "")

    @at.register(ast.Attribute)
    def _(self, node):
        if node.attr == "T":
            yield self.edit("transpose", node, self.code(node.value))

    @at.register(ast.Subscript)
    def _(self, node):
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        for part in parts:
            if isinstance(part, ast.Slice):
                yield from self.slice(part)
            elif isinstance(part, ast.Name) and len(part.id) == 1:  # a step, a number
                yield self.edit("off by one", part, f"{part.id} - 1")

    def slice(self, part: ast.Slice) -> Iterator[Edit]:
        """A slice that begins late or ends early, or is not there."""
        if part.lower:
            yield self.edit("off by one", part.lower, f"{self.code(part.lower)} + 1")
        if part.upper:
            yield self.edit("off by one", part.upper, f"{self.code(part.upper)} - 1")
        if part.step or part.lower or part.upper:
            yield self.edit("drop slice", part, ":")
        text = "".join(self.code(part).split())
        if text in (":-1", "1:"):
            yield self.edit("other slice", part, {":-1": "1:", "1:": ":-1"}[text])

    @at.register(ast.Constant)
    def _(self, node):
        if isinstance(node.value, bool):
            yield self.edit("number", node, str(not node.value))
        elif isinstance(node.value, int | float):
            yield self.edit("number", node, f"{node.value + 1}")

    @at.register(ast.Name)
    def _(self, node):
        instead = self.other(node) if isinstance(node.ctx, ast.Load) else None
        if instead:
            yield self.edit("other array", node, instead)
