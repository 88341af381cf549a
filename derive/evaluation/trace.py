"""A cell run over a series, with every value on the way: forward, and back with every adjoint.

>>> from derive.library import load
>>> traced = trace(load("rnn"), [1.0, -1.0], weights={"W": 1, "U": 2})
>>> traced.values["h_next"].round(6).ravel()
array([0.761594, 0.480157])
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import sympy as sp

from derive.adjoint import Adjoint, adjoint
from derive.cell import Cell
from derive.evaluation.arrays import Array, define, evaluate, extent
from derive.evaluation.given import (
    Given,
    checked,
    of_one_sequence,
    series_of,
    sizes_of,
    states_of,
    weights_of,
)
from derive.evaluation.loss import Loss, squares, total
from derive.nodes import Axis, CellError, Quantity

Step = dict[Quantity, Array]  # every value of one step, (B, …); of a parameter (1, …)


@dataclass(frozen=True)
class Trace:
    """Every value of a run.

    derivation  the equations that were evaluated, in normal form, and their adjoints
    sizes       the length of each axis
    given       the parameters that the caller gave
    seed        what the others were drawn with; they are 0 where it is None
    steps       for each step the value of every quantity and of every adjoint
    weights     the parameters' values, in their own shapes
    loss        what the adjoints are derivatives of
    """

    derivation: Adjoint
    sizes: Mapping[Axis, int]
    given: tuple[Quantity, ...]
    seed: int | None
    steps: tuple[Step, ...]
    weights: Mapping[str, Array]
    loss: Loss

    @property
    def cell(self) -> Cell:
        return self.derivation.cell

    @cached_property
    def values(self) -> dict[str, Array]:
        """By name, the value of what is given, of each old state and of what each equation defines,
        the normal form's too: (T, B, …)."""
        return {q.name: self._over_time(q) for q in (*self.cell.given, *self._computed)}

    @cached_property
    def adjoints(self) -> dict[str, Array]:
        """By name, the derivative of the loss with respect to each value, (T, B, …), an old state's
        as this step hands it back; and to each parameter, over all steps and sequences, in its own
        shape."""
        bar = self.derivation.bar
        found = {q.name: self._over_time(bar[q]) for q in (*self.cell.inputs, *self._computed)}
        totals = {p.name: self._over_time(bar[p]).sum((0, 1)) for p in self.cell.parameters}
        return found | totals

    @property
    def _computed(self) -> tuple[Quantity, ...]:
        """What has a value of its own at every step, beside what is given."""
        return (*self.cell.states, *(e.lhs for e in self.derivation.forward))

    def _over_time(self, quantity: Quantity) -> Array:
        rows = self.loss.seed.shape[1]
        shape = (len(self.steps), rows, *extent(quantity.axes, self.sizes))
        return np.array([step[quantity] for step in self.steps]).reshape(shape)

    def value(self, expr: sp.Expr, t: int) -> Array:
        """The value of any expression in a step's quantities, (B, …) or (1, …)."""
        return evaluate(expr, self.steps[t], self.sizes)


def trace(
    cell: Cell,
    xs: Any,
    weights: Given | None = None,
    state: Given | None = None,
    *,
    sizes: Mapping[str, int] | None = None,
    seed: int | None = None,
    target: Any = None,
) -> Trace:
    """Run a cell over a series, and its adjoint equations back.

    xs       (T, B, I), or (T, I) for one sequence, or (T,): a number for every entry; for an input
             that is a number (T, B) or (T,). Of a cell with several it is the first's, and the
             others are 1; or by name, {"x": …, "dt": …}, where a single step serves all
    weights  for parameters by name, a number for all entries or an array of the parameter's shape
    state    for states by name, the value before the first step, in the same way
    sizes    by letter or by argument, "H" or "hidden_size"; 1 where nothing given says otherwise
    seed     draws the parameters that are not given, as `init` of the generated module does;
             without it they are 0, unless no weights are given: then the seed is 0
    target   makes the loss ½ Σ |y - target|²; without one it is the sum of all outputs

    Raises CellError for a name that there is not, or a shape that does not fit.
    """
    inputs, fixed = series_of(cell, xs)
    if weights is None and seed is None:
        seed = 0
    if seed is not None and seed < 0:
        raise CellError(f"a seed must not be negative, and {seed} is")
    given = checked(weights or {}, cell.parameters, "parameter")
    starts = checked(state or {}, cell.states, "state")
    shapes = [(q, array.shape) for q, array in given.items()]
    shapes += [(q, of_one_sequence(q, array)) for q, array in starts.items()]
    lengths = sizes_of(cell, shapes + fixed, sizes or {})
    T, B = inputs[cell.input].shape[:2]
    inputs = {q: np.broadcast_to(a, (T, B, *extent(q.axes, lengths))) for q, a in inputs.items()}
    parameters = weights_of(cell, given, lengths, seed)
    derivation = adjoint(cell)
    run = _Run(derivation, lengths, parameters)
    steps = run.forward(inputs, states_of(cell, starts, lengths, B))
    ys = np.array([step[cell.output] for step in steps]).reshape(
        (T, B, *extent(cell.output.axes, lengths))
    )
    loss = total(ys) if target is None else squares(ys, target)
    run.backward(steps, loss.seed)
    named = {q.name: value for q, value in parameters.items()}
    return Trace(derivation, lengths, tuple(given), seed, tuple(steps), named, loss)


class _Run:
    """Evaluates equations step by step."""

    def __init__(
        self, derivation: Adjoint, sizes: Mapping[Axis, int], parameters: Mapping[Quantity, Array]
    ):
        self.derivation, self.cell, self.sizes = derivation, derivation.cell, sizes
        self.parameters = {q: value[None] for q, value in parameters.items()}

    def forward(self, inputs: Mapping[Quantity, Array], states: Step) -> list[Step]:
        steps = []
        T, B = inputs[self.cell.input].shape[:2]
        for t in range(T):
            step = {**self.parameters, **states, **{q: array[t] for q, array in inputs.items()}}
            if self.cell.number:
                step[self.cell.number] = np.full(B, t + 1.0)
            define(self.derivation.forward, step, self.sizes, (B,))
            states = {s: step[new] for s, new in self.cell.updates.items()}
            steps.append(step)
        return steps

    def backward(self, steps: list[Step], seeds: Array) -> None:
        """Adds to each step its adjoints."""
        derived, rows = self.derivation, seeds.shape[1]
        carry = {s: np.zeros((rows, *extent(s.axes, self.sizes))) for s in self.cell.states}
        for step, seed in zip(reversed(steps), seeds[::-1], strict=True):
            step[derived.seed] = seed
            step |= {derived.carry[s]: carry[s] for s in self.cell.states}
            define(derived.backward, step, self.sizes, (rows,))
            for bar in derived.bar.values():  # 0 where the loss does not depend on a quantity
                step.setdefault(bar, np.zeros((rows, *extent(bar.axes, self.sizes))))
            carry = {s: step[derived.bar[s]] for s in self.cell.states}
