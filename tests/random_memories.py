"""Random cells whose states are matrices: outer products, what is read along either axis, rows and
columns scaled, sums over an axis, of one memory or of one for each head, with two axes or with one
twice.
"""

from __future__ import annotations

import sympy as sp
from drawing import Drawing
from hypothesis import strategies as st

from derive.cell import Cell, Equation
from derive.deviation import Deviation
from derive.elementwise import choose, exp, floor, maximum, sigmoid, sin, sqrt, tanh
from derive.language import mean, outer
from derive.language import sum as sum_of
from derive.largest import Largest
from derive.nodes import Axis, CellError, H, Heads, I, Quantity, axes_of, product, symbols_of

K, V = Axis("K", "key_size"), Axis("V", "value_size")
N = Heads()
# One memory, one for each head; with an axis for the rows and one for the columns, or one for both.
MEMORIES = [(K, V), (K, V), (N, K, V), (N, K, V), (H, H), (N, H, H)]
BOUNDED = {
    "sigmoid": sigmoid,
    "tanh": tanh,
    "sin": sin,
    "exp": lambda e: exp(tanh(e)),
    "length": lambda e: sqrt(2 + e**2),
    "floor": lambda e: floor(e),
}


class Memories(Drawing):
    """Draws one cell; what it has drawn so far can be read by what follows."""

    def __init__(self, draw):
        super().__init__(draw)
        self.memory = draw(st.sampled_from(MEMORIES))
        self.heads = tuple(axis for axis in self.memory if axis.heads)
        *_, self.rows, self.columns = self.memory
        self.vectors = [(*self.heads, axis) for axis in dict.fromkeys(self.memory[-2:])]
        self.inputs = [Quantity("x", (I,))]
        if self.flip(4):
            self.inputs.append(Quantity("dt", self.any([(), (I,)])))
        self.states = [Quantity("S", self.memory)]
        if self.flip(3):
            self.states.append(Quantity("M", self.memory))
        if self.flip(2):
            self.states.append(Quantity("z", self.any(self.vectors)))
        self.known = [*self.inputs, *self.states]

    # what is drawn from

    def atom(self, axes):
        known = [q for q in self.known if q.axes == axes]
        if not known or self.flip(6):
            return self.parameter(self.shared(axes))
        return self.any(known)

    def shared(self, axes):
        """These axes, now and then without heads: what is the same for all of them."""
        return axes[1:] if axes and axes[0].heads and len(axes) > 1 and self.flip(4) else axes

    def number(self):
        return self.any([sp.Integer(1), sp.Integer(2), sp.Integer(-1), sp.Float(0.25)])

    # expressions

    def expr(self, axes, depth):
        """An expression of this shape, or of one that is stretched to it."""
        if depth <= 0:
            return self.number() if self.flip(9) else self.atom(axes)
        own = {2: self.matrix, 1: self.vector, 0: self.scalar}[
            len([axis for axis in axes if not axis.heads])
        ]
        kinds = ["atom", "add", "add", "mul", "minus", "divide", "square", "function", "maximum"]
        match self.any([*kinds, *["own"] * 6]):
            case "atom":
                return self.atom(axes)
            case "add":
                return self.expr(axes, depth - 1) + self.expr(axes, depth - 1)
            case "minus":
                return self.expr(axes, depth - 1) - self.expr(axes, depth - 1)
            case "mul":
                other = self.heads if self.flip(3) else axes
                return self.expr(axes, depth - 1) * self.expr(other, depth - 1)
            case "divide":
                return self.expr(axes, depth - 1) / (1 + self.expr(axes, depth - 1) ** 2)
            case "square":
                return self.expr(axes, depth - 1) ** 2
            case "function":
                return BOUNDED[self.any(sorted(BOUNDED))](self.expr(axes, depth - 1))
            case "maximum":
                some = [self.expr(axes, depth - 1) for _ in range(3)]
                return choose(*some) if self.flip(2) else maximum(*some[:2])
            case _:
                return own(axes, depth)

    def matrix(self, axes, depth):
        """What only a matrix can be made of."""
        (row, *_), column = axes[-2:], axes[-1]
        scaled = ["row", "column"] if row != column else []
        match self.any(["outer", "outer", "outer", "number", *scaled]):
            case "outer":
                return outer(self.whole((row,), depth), self.whole((column,), depth))
            case "number":
                return self.expr(self.heads, depth - 1) * self.expr(axes, depth - 1)
            case "row":
                return self.whole((row,), depth) * self.whole_matrix(axes, depth)
            case _:
                return self.whole((column,), depth) * self.whole_matrix(axes, depth)

    def whole_matrix(self, axes, depth):
        """A matrix, and nothing that is stretched to one: a row beside a column has no shape."""
        found = self.expr(axes, depth - 1)
        return found if axes_of(found) == axes else self.atom(axes)

    def vector(self, axes, depth):
        """What only a vector can be made of."""
        row, column = self.rows, self.columns
        match self.any(["input", "read", "read", "read", "sum", "own"]):
            case "input":
                return self.parameter(self.shared((*axes, I))) @ self.inputs[0]
            case "read":
                matrix = self.left(depth)
                if (row == column and self.flip(2)) or axes[-1] == row:
                    return product(matrix, self.whole((column,), depth))
                return product(self.turned(matrix), self.whole((row,), depth))
            case "sum" if row != column:
                other = column if axes[-1] == row else row
                return sum_of(self.weighed(other, depth), other)
            case _:
                matrix = self.parameter((*self.heads, axes[-1], axes[-1]))
                return product(matrix, self.whole(axes[-1:], depth))

    def weighed(self, axis, depth):
        """A matrix, now and then with weights for what is summed up along an axis of it."""
        matrix = self.atom(self.memory)
        return matrix * self.whole((axis,), depth) if self.flip(2) else matrix

    def left(self, depth):
        """The left side of a product: a matrix, or a formula of some."""
        known = self.atom(self.memory)
        scaled = self.expr(self.heads, depth - 1) * known if self.flip(4) else known
        return scaled if symbols_of(scaled) else known

    def turned(self, matrix):
        """The transpose, of a matrix that has a name."""
        return (matrix if isinstance(matrix, Quantity) else self.atom(self.memory)).T

    def scalar(self, axes, depth):
        """What only a number can be made of, or one for each head."""
        match self.any(["sum", "sum", "all", "input"]):
            case "sum":
                total = Largest if self.flip(3) else sum_of
                return total(self.whole((self.any(self.vectors)[-1],), depth))
            case "all":
                return sum_of(self.atom(self.memory), self.rows, self.columns)
            case _ if axes:
                return self.parameter((*axes, I)) @ self.inputs[0]
            case _:
                return sum_of(self.parameter((I,)) * self.inputs[0])

    def whole(self, axis, depth):
        """A vector along an axis, of each head where there are some, and nothing less."""
        axes = (*self.heads, *axis)
        found = self.expr(axes, depth - 1)
        is_whole = axes_of(found) in (axes, axis) and symbols_of(found)
        return found if is_whole else self.atom(axes)

    # the cell

    def cell(self):
        equations, updates = [], {}
        depth = self.any([1, 2, 2])
        shapes = [self.heads, *self.vectors, *self.vectors, self.memory]
        for n in range(self.any([0, 1, 2, 3, 5])):
            equations.append(self.equation(f"{self.any('qkv')}{n}", self.any(shapes), depth))
            if self.flip(5):
                equations += self.standardised(n, depth)
        for s in self.states:
            equations.append(self.equation(f"{s}_next", s.axes, depth, is_bounded=not self.flip(3)))
            updates[s] = equations[-1].lhs
        equations.append(self.equation("y", self.any(self.vectors), depth))
        equations[-1] = self.reading_all(equations, updates)
        read = set().union(*(symbols_of(e.rhs) for e in equations))
        return Cell(
            name="drawn",
            title="Random",
            doc="",
            inputs=tuple(self.inputs),
            states=tuple(self.states),
            parameters=tuple(p for p in self.parameters if p in read),
            equations=tuple(equations),
            updates=updates,
            output=equations[-1].lhs,
        )

    def equation(self, name, axes, depth, is_bounded=False):
        lhs, rhs = Quantity(name, axes), self.fitted(sp.sympify(self.expr(axes, depth)), axes)
        self.known.append(lhs)
        return Equation(lhs, tanh(rhs) if is_bounded else rhs)

    def standardised(self, n, depth):
        """A vector that is standardised, for each head apart, and scaled."""
        axes = self.any(self.vectors)
        mu, sigma = Quantity(f"mu{n}", self.heads), Quantity(f"sigma{n}", self.heads)
        first = self.equation(f"u{n}", axes, depth)
        u = first.lhs if axes_of(first.rhs) == axes else self.parameter(axes)
        last = Equation(Quantity(f"p{n}", axes), (u - mu) / sigma * self.expr(axes, 1))
        self.known.append(last.lhs)
        return [
            first,
            Equation(mu, mean(u)),
            Equation(sigma, Deviation(mu, sp.Float(0.5), u)),
            last,
        ]

    def reading_all(self, equations, updates):
        """The last equation, reading also what nobody reads."""
        last = equations[-1]
        read = {*updates.values(), last.lhs}.union(*(symbols_of(e.rhs) for e in equations))
        there = (*self.inputs, *self.states, *(e.lhs for e in equations))
        rest = [self.as_term(q, last.lhs.axes) for q in there if q not in read]
        return Equation(last.lhs, self.fitted(sp.Add(last.rhs, *rest), last.lhs.axes))

    def fitted(self, rhs, axes):
        """A right-hand side of this shape: only a number is stretched to it by itself."""
        return rhs if axes_of(rhs) in ((), axes) else rhs + self.parameter(axes)

    def as_term(self, q, axes):
        """A quantity in a sum of vectors."""
        if q.axes in ((), self.heads, axes):
            return q
        if len(q.axes) - len(self.heads) == 2:
            return sum_of(q, self.rows, self.columns)
        return self.parameter((*axes, q.axes[-1])) @ q


def cancels(error):
    """Whether a cell is none because nobody reads something: a - a, or 0 times something."""
    return any(said in str(error) for said in ("never used", "never read"))


@st.composite
def memories(draw):
    """A valid cell, or None for the few draws that cancel to something the language forbids."""
    try:
        return Memories(draw).cell()
    except CellError as error:
        if cancels(error):
            return None
        raise
