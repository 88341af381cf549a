"""The work of generated NumPy code, measured: the code is run, and every call is counted.

The module is given a NumPy whose arrays record each call on them. The work of such code depends on
sizes alone, never on values, so the counts are polynomials in T, B and the lengths of the axes.
Runs at as many sizes as a polynomial has coefficients determine it, and a few more confirm it.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
import sympy as sp

from derive.cell import Cell
from derive.evaluation.arrays import extent
from derive.evaluation.inputs import leading
from derive.nodes import I

KINDS = ("multiply-adds", "elementwise", "transcendental", "calls")
TRANSCENDENTAL = {"tanh", "exp", "expm1", "log", "log1p", "sqrt", "sin", "cos", "power"}
T, B = sp.Symbol("T"), sp.Symbol("B")


class CountingArray(np.ndarray):
    """An array that notes what is computed with it, by kind, in `tally`."""

    tally: ClassVar[Counter[str]] = Counter()

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **keywords):
        plain = [_plain(value) for value in inputs]
        if out is not None:
            keywords["out"] = tuple(map(_plain, out))
        result = getattr(ufunc, method)(*plain, **keywords)
        self.note(*_work(ufunc, method, plain, result))
        return out[0] if out is not None else _counting(result)

    def __array_function__(self, function, types, arguments, keywords):
        plain = [_plain(value) for value in arguments]
        result = function(*plain, **{k: _plain(v) for k, v in keywords.items()})
        if function.__name__ == "split":
            return [_counting(part) for part in result]
        self.note(*_work_of_function(function.__name__, plain, result))
        return keywords["out"] if keywords.get("out") is not None else _counting(result)

    def note(self, kind: str, amount: int) -> None:
        self.tally["calls"] += 1
        self.tally[kind] += amount


def _work(ufunc: Any, method: str, inputs: list[Any], result: Any) -> tuple[str, int]:
    """The kind and amount of work of a universal function."""
    if ufunc is np.matmul:
        return "multiply-adds", int(np.size(result)) * np.shape(inputs[0])[-1]
    if ufunc is np.vecdot:
        return "elementwise", 2 * int(np.size(result)) * np.shape(inputs[0])[-1]
    if method == "reduce":
        return "elementwise", int(np.size(inputs[0]))
    kind = "transcendental" if ufunc.__name__ in TRANSCENDENTAL else "elementwise"
    return kind, int(np.size(result))


def _work_of_function(name: str, inputs: list[Any], result: Any) -> tuple[str, int]:
    """The same for NumPy's other functions; those that only move numbers do no work."""
    if name == "dot":
        return "multiply-adds", int(np.size(result)) * np.shape(inputs[0])[-1]
    if name == "outer":
        return "multiply-adds", int(np.size(result))
    if name == "einsum":
        return "elementwise", 2 * int(np.size(inputs[1]))
    if name == "sum":
        return "elementwise", int(np.size(inputs[0]))
    return "elementwise", int(np.size(result)) if name == "where" else 0


def _plain(value: Any) -> Any:
    return value.view(np.ndarray) if isinstance(value, CountingArray) else value


def _counting(result: Any) -> Any:
    return result.view(CountingArray) if isinstance(result, np.ndarray) else result


class CountingNumPy:
    """NumPy, whose new arrays count."""

    def __getattr__(self, name: str) -> Any:
        function = getattr(np, name)
        if name not in ("empty", "zeros", "array", "asarray"):
            return function
        return lambda *arguments, **keywords: _counting(function(*arguments, **keywords))


def counted(cell: Cell, module: ModuleType) -> dict[str, dict[str, sp.Expr]]:
    """The work of forward, backward and hvp of a cell's module, by kind, as polynomials in T, B and
    the axes' letters."""
    letters = [a for a in cell.axes if a != I or not cell.input_is_wide]
    variables = [T, B, *(sp.Symbol(a.letter) for a in letters)]
    most = max(2, *(len(q.axes) for q in cell.quantities))
    outer, inner = ((), (T,), (B,), (T, B)), _products(variables[2:], most)
    products = [(*one, *two) for one in outer for two in inner]
    points = _points(len(variables), len(products) + 5)
    place = {variable: k for k, variable in enumerate(variables)}
    values = np.array([[math.prod(p[place[f]] for f in each) for each in products] for p in points])
    inverse = np.linalg.pinv(values)
    monomials = [sp.Mul(*factors) for factors in products]
    runs = [_run(module, cell, dict(zip(map(str, variables), p, strict=True))) for p in points]
    return {
        routine: {
            kind: _polynomial(
                monomials, values, inverse, np.array([run[routine][kind] for run in runs])
            )
            for kind in KINDS
        }
        for routine in ("forward", "backward", "hvp")
    }


def _products(variables: list[sp.Symbol], most: int) -> list[tuple[sp.Symbol, ...]]:
    """The factors of all products of at most so many variables."""
    counts = range(most + 1)
    every = (itertools.combinations_with_replacement(variables, n) for n in counts)
    return list(itertools.chain.from_iterable(every))


def _points(dimensions: int, count: int) -> list[tuple[int, ...]]:
    """Sizes, no two alike, spread enough to tell every monomial from the others."""
    rng = np.random.default_rng(0)
    points: dict[tuple[int, ...], None] = {}
    while len(points) < count:
        points[tuple(int(n) for n in rng.integers(1, 7, dimensions))] = None
    return list(points)


def _polynomial(monomials: list[sp.Expr], values: Any, inverse: Any, counts: Any) -> sp.Expr:
    """The polynomial with whole coefficients that has these values: `inverse` is the inverse of
    the monomials' values, in the sense of least squares."""
    whole = np.rint(inverse @ counts).astype(int)
    if not np.array_equal(values @ whole, counts):
        raise ArithmeticError("the counts are not a polynomial in the sizes")
    return sp.Add(*(int(n) * m for n, m in zip(whole, monomials, strict=True)))


def _run(module: ModuleType, cell: Cell, sizes: dict[str, int]) -> dict[str, Counter[str]]:
    """The tallies of one run of each routine, for which the module has a NumPy that counts."""
    sizes = {"I": sizes.get("H", 0), **sizes}
    found: dict[str, Counter[str]] = {}
    vars(module)["np"] = CountingNumPy()
    try:
        with np.errstate(all="ignore"):
            params = module.Params(*(sizes[a.letter] for a in cell.axes))
            lengths = {a: sizes[a.letter] for a in cell.axes}
            rows, width = (sizes["T"], sizes["B"]), math.prod(extent(cell.input.axes, lengths))
            xs = leading(cell, module, lengths, np.zeros((*rows, width)))
            dys = np.zeros((*rows, *extent(cell.output.axes, lengths)))
            tape = _tallied(found, "forward", lambda: module.forward(params, xs)[2])
            _tallied(found, "backward", lambda: module.backward(params, tape, dys))
            _tallied(found, "hvp", lambda: module.hvp(params, tape, dys, params.copy()))
    finally:
        vars(module)["np"] = np
    return found


def _tallied(found: dict[str, Counter[str]], name: str, run: Any) -> Any:
    CountingArray.tally = Counter()
    result = run()
    found[name] = CountingArray.tally
    return result
