"""The proof by symbols: the derived gradient is SymPy's own, as an identity and not to a tolerance.

A small network of scalars, two units and three inputs over two steps, is unrolled into one loss,
straight from the cell's equations. SymPy differentiates its parts, and the chain rule, run forward
where the adjoint runs backward, carries that from every parameter, input and initial state to the
loss. The derived adjoint equations are interpreted on the same scalars, step by step. The two are
the same rational functions, in which every value of an activation is an independent variable;
`derive.exact.rational` finds that out in exact arithmetic.

Both sides use the derivative of an activation in terms of its output. That these are right is
proved on their own: each is compared with SymPy's derivative of the textbook's formula.
"""

from __future__ import annotations

from functools import cache
from inspect import signature
from typing import Any

import numpy as np
import sympy as sp

from derive.adjoint import Adjoint, adjoint
from derive.cell import Cell
from derive.elementwise import Declared, Elementwise
from derive.exact.rational import Points, Shared
from derive.exact.scalars import Value, add, defined, dot, symbols
from derive.nodes import Quantity
from derive.proof import Outcome

STEPS = 2


def outcome(network: Network) -> Outcome:
    """The identity as a part of the proof."""
    proved, what = proof(network)
    if not proved:
        return Outcome(False, "differs", what)
    remark, names = "SymPy's diff of an unrolled loss", ", ".join(declared(network.cell))
    remark += f"; in {names} the derivative that is declared" if names else ""
    return Outcome(True, what, remark)


def prove(cell: Cell) -> tuple[bool, str]:
    """True if the identity holds, and what was proved or where it fails."""
    return proof(unrolled(cell))


def unrolled(cell: Cell) -> Network:
    """The cell as a network of scalars."""
    return Network(adjoint(cell))


def proof(network: Network) -> tuple[bool, str]:
    """The same, of a cell that is unrolled already."""
    words = {f for e in network.derived.forward for f in _functions(e.rhs)}
    for word in sorted(words, key=lambda f: f.__name__):
        if not slopes_are_right(word):
            return False, f"the derivative of {word.__name__} is wrong"
    leaves, at = network.leaves(), network.points
    constants = [(p, x) for p in network.constants for x in network.gradients[p.name, 0].flat]
    gradients = [gradient for _, _, gradient in leaves]
    at.settle([network.loss, *gradients, *(entry for _, entry in constants)])
    for p, entry in constants:
        if at.values(entry).any():
            return False, f"{p} is not trained, and has a derivative"
    right = at.gradient(network.loss, [leaf for _, leaf, _ in leaves])
    for (name, _, gradient), want in zip(leaves, right.T, strict=True):
        if (at.values(gradient) != want).any():
            return False, f"the derivative by {name} is wrong"
    return True, f"{len(leaves)} derivatives"


def declared(cell: Cell) -> list[str]:
    """The quantities whose derivative is declared to be another formula's."""
    return [e.lhs.name for e in cell.equations if e.rhs.has(Declared)]


def _functions(expr: sp.Expr) -> set[type[Elementwise]]:
    return {type(f) for f in expr.atoms(Elementwise)}


def slopes_are_right(word: type[Elementwise]) -> bool:
    """True if a function's stated derivatives are its textbook formula's, except at kinks."""
    p, q = sp.symbols("p q", positive=True)
    pairs = [(p, p + q), (p + q, p), (-p, q)]
    count = len(signature(word.textbook).parameters)
    triples = [(c, *pair) for c in (p, -p) for pair in pairs]
    places: list[Any] = [(p,), (-p,)] if count == 1 else pairs if count == 2 else triples
    z = sp.symbols(f"z:{count}", real=True)
    formula = word.textbook(*z)
    stated = [_in_textbook_words(s) for s in word.slopes(formula, *z)]
    derivatives = [sp.diff(formula, variable) for variable in z]
    for place in places:
        at = dict(zip(z, place, strict=True))
        for one, other in zip(stated, derivatives, strict=True):
            if not _vanishes((one - other).subs(at)):
                return False
    return True


@cache
def _vanishes(expr: sp.Expr) -> bool:
    """Whether SymPy finds that an expression is zero; the same few come up for every cell."""
    return bool(sp.simplify(expr.doit()) == 0)


def _in_textbook_words(expr: sp.Expr) -> sp.Expr:
    inner = {f: f.textbook(*map(_in_textbook_words, f.args)) for f in expr.atoms(Elementwise)}
    return expr.xreplace(inner)


class Network:
    """The cell unrolled over scalars: the loss as one expression, and the derived gradients."""

    def __init__(self, derived: Adjoint):
        self.points = Points()
        self.derived, self.cell = derived, derived.cell
        cell = self.cell
        self.weights = {p: symbols(p.name, p.axes) for p in cell.parameters}
        self.start = {s: symbols(f"{s}_0", s.axes) for s in cell.states}
        self.inputs = [{q: symbols(f"{q}[{t}]", q.axes) for q in cell.inputs} for t in range(STEPS)]
        self.given = [inputs | self._number(t) for t, inputs in enumerate(self.inputs, start=1)]
        self.seeds = [symbols(f"seed_{t}", cell.output.axes) for t in range(STEPS)]
        self.ends = {s: symbols(f"end_{s}", s.axes) for s in cell.states}
        self.loss = self._loss()
        self.gradients = self._gradients()

    def _number(self, t: int) -> dict[Quantity, Value]:
        """The number of a step, if the cell reads it."""
        return {} if self.cell.number is None else {self.cell.number: np.array(sp.Integer(t))}

    def _loss(self) -> sp.Expr:
        """Σ seed · y over all steps, and Σ end · state after the last: every output counts."""
        states, total = dict(self.start), sp.S.Zero
        for t in range(STEPS):
            values = {**self.weights, **states, **self.given[t]}
            for e in self.cell.equations:
                values[e.lhs] = defined(e, values, f"loss {t}")
            total += dot(self.seeds[t], values[self.cell.output])
            states = {s: values[new] for s, new in self.cell.updates.items()}
        total += sp.Add(*(dot(self.ends[s], states[s]) for s in self.cell.states))
        return Shared("loss", total)

    def _gradients(self) -> dict[tuple[str, int], Value]:
        """The derived adjoint equations, run from the last step to the first."""
        derived, cell, bar = self.derived, self.cell, self.derived.bar
        trace, states = [], dict(self.start)
        for t in range(STEPS):
            values = {**self.weights, **states, **self.given[t]}
            for e in derived.forward:
                values[e.lhs] = defined(e, values, f"forward {t}")
            trace.append(values)
            states = {s: values[new] for s, new in cell.updates.items()}
        carry = dict(self.ends)
        gradients: dict[tuple[str, int], Value] = {}
        for t in reversed(range(STEPS)):
            values = {**trace[t], derived.seed: self.seeds[t]}
            values |= {derived.carry[s]: carry[s] for s in cell.states}
            for e in derived.backward:
                values[e.lhs] = defined(e, values, f"backward {t}")
            carry = {s: values[bar[s]] for s in cell.states}
            gradients |= {(q.name, t): values[bar[q]] for q in cell.inputs}
            for p in cell.parameters:
                new = values[bar[p]]
                gradients[p.name, 0] = add(gradients[p.name, 0], new) if t < STEPS - 1 else new
        return gradients | {(s.name, 0): carry[s] for s in cell.states}

    @property
    def constants(self) -> list[Quantity]:
        """The parameters that are not trained, of which every derivative is zero."""
        return sorted(self.cell.constants, key=str)

    def leaves(self) -> list[tuple[str, sp.Symbol, sp.Expr]]:
        """Everything the loss depends on: its name, its symbol, and the derived gradient."""
        pairs = [(p.name, self.weights[p], self.gradients[p.name, 0]) for p in self.cell.trained]
        pairs += [(s.name, self.start[s], self.gradients[s.name, 0]) for s in self.cell.states]
        for t, given in enumerate(self.inputs):
            pairs += [(q.name, given[q], self.gradients[q.name, t]) for q in given]
        return [
            (name, leaf, gradient)
            for name, symbols, values in pairs
            for leaf, gradient in zip(symbols.flat, values.flat, strict=True)
        ]
