"""The proof by numbers: the generated NumPy code against itself at random values, in float64."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from derive.cell import Cell
from derive.compiler import generate
from derive.nodes import I

Outcome = tuple[bool | None, str, str]
STEPS, BATCH, SIZE, INPUTS = 5, 3, 3, 2


def module_of(cell: Cell) -> Any:
    """The module generated from a cell, made from its text."""
    (text,) = generate(cell).values()
    module = ModuleType(cell.name)
    exec(compile(text, f"<{cell.name}>", "exec"), module.__dict__)
    return module


@dataclass(frozen=True)
class Point:
    """Everything that outputs depend on, or a direction in that space."""

    params: Any
    xs: Any
    state: Any

    def vector(self) -> Any:
        """All of it as one vector."""
        return np.concatenate([self.params.flat, self.xs.ravel(), *map(np.ravel, self.state)])


class Trial:
    """A cell's generated module at a random point, with a random linear loss on all it returns.

    The sequences are of different lengths where `lengths` is given.
    """

    def __init__(self, cell: Cell, lengths: Any = None, seed: int = 0):
        self.cell, self.lengths = cell, lengths
        self.module = module_of(cell)
        self.rng = np.random.default_rng(seed)
        self.inputs = INPUTS if cell.input.axes == (I,) else SIZE
        sizes = [{"I": self.inputs}.get(a.letter, SIZE) for a in cell.axes]
        self.template = self.module.Params(*sizes)
        self.state_shapes = [s.shape for s in self.module.forward(
            self.template, np.zeros((1, BATCH, self.inputs)))[1]]  # fmt: skip
        self.point = self.draw()
        self.ys, self.final, self.tape = self.run(self.point)
        self.dys = self.rng.standard_normal(self.ys.shape)
        self.dstate = self.draw().state

    def draw(self) -> Point:
        """A random point or direction; inputs past a sequence's end are zero."""
        params = self.template.copy()
        params.flat[:] = self.rng.standard_normal(params.flat.size) * 0.7
        xs = self.rng.standard_normal((STEPS, BATCH, self.inputs))
        if self.lengths is not None:
            xs[np.arange(STEPS)[:, None] >= self.lengths] = 0
        state = self.module.State(*map(self.rng.standard_normal, self.state_shapes))
        return Point(params, xs, state)

    def at(self, vector: Any) -> Point:
        """The point that a vector describes, of the vector's dtype."""
        params = self.module.Params(*self.template._sizes, dtype=vector.dtype)
        n, m = params.flat.size, self.point.xs.size
        params.flat[:] = vector[:n]
        parts, at = [], n + m
        for shape in self.state_shapes:
            parts.append(vector[at : at + np.prod(shape)].reshape(shape))
            at += int(np.prod(shape))
        xs = vector[n : n + m].reshape(self.point.xs.shape)
        return Point(params, xs, self.module.State(*parts))

    def run(self, point: Point) -> Any:
        """What forward returns at a point."""
        return self.module.forward(point.params, point.xs, point.state, self.lengths)

    def loss(self, point: Point) -> Any:
        """The random linear loss at a point."""
        ys, final, _ = self.run(point)
        pairs = zip(final, self.dstate, strict=True)
        return np.sum(ys * self.dys) + sum(np.sum(a * b) for a, b in pairs)

    def gradient(self, point: Point) -> Any:
        """Its gradient by backward, as one vector."""
        _, _, tape = self.run(point)
        return Point(*self.module.backward(point.params, tape, self.dys, self.dstate)).vector()


def both(trial: Trial) -> list[Trial]:
    """The trial, and the same with sequences of different lengths."""
    return [trial, Trial(trial.cell, np.array([STEPS, 2, 0]))]


def error(one: Any, other: Any) -> float:
    """The largest difference, relative to the largest entry of what is right."""
    scale = max(float(np.abs(other).max(initial=0)), 1e-30)
    difference = np.abs(one - other)
    return float(difference.max(initial=0)) / scale if np.isfinite(difference).all() else np.inf


def judged(value: float, bound: float, what: str) -> Outcome:
    """Whether an error is within its bound."""
    if not np.isfinite(value):
        return False, "not finite", f"{what}: not finite at random values"
    return bool(value <= bound), f"{value:.1e}", f"{what}, at most {bound:.0e}"


def complex_step(trial: Trial) -> Outcome:
    """Im f(x + ih)/h has no cancellation, so it is exact to rounding (Squire & Trapp 1998)."""
    worst = 0.0
    for each in both(trial):
        start = each.point.vector().astype(complex)
        right = np.array([_imaginary(each, start, k) for k in range(start.size)])
        worst = max(worst, _by_parts(each, each.gradient(each.point), right))
    return judged(worst, 1e-12, "of the largest entry of each array")


def _imaginary(trial: Trial, start: Any, k: int) -> float:
    moved = start.copy()
    moved[k] += 1e-30j
    return float(trial.loss(trial.at(moved)).imag) / 1e-30


def _by_parts(trial: Trial, gradient: Any, right: Any) -> float:
    """The largest error of any parameter's, the inputs' or a state's derivatives by themselves."""
    one, other = trial.at(gradient), trial.at(right)
    pairs = [(one.params[k], other.params[k]) for k in one.params]
    pairs += [(one.xs, other.xs), *zip(one.state, other.state, strict=True)]
    floor = float(np.abs(right).max(initial=0)) * 1e-3  # of an array that is all but zero
    return max(error(a, b) if np.abs(b).max(initial=0) > floor else error(
        a - b + floor, np.full_like(b, floor)) * 1e-3 for a, b in pairs)  # fmt: skip


def finite_differences(trial: Trial) -> Outcome:
    """Central differences along random directions."""
    worst, h = 0.0, 1e-6
    start = trial.point.vector()
    gradient = trial.gradient(trial.point)
    for _ in range(10):
        v = trial.draw().vector()
        ahead, behind = trial.loss(trial.at(start + h * v)), trial.loss(trial.at(start - h * v))
        scale = np.linalg.norm(gradient) * np.linalg.norm(v)
        worst = max(worst, abs((ahead - behind) / (2 * h) - gradient @ v) / max(scale, 1e-30))
    return judged(float(worst), 1e-7, "central, step 1e-6: rounding leaves no more")


def dot_product(trial: Trial) -> Outcome:
    """<J v, u> = <v, Jᵀ u>."""
    worst = 0.0
    for each in both(trial):
        v = each.draw()
        ys_dot, state_dot = each.module.jvp(each.point.params, each.tape, v.params, v.xs, v.state)
        pairs = [(ys_dot, each.dys), *zip(state_dot, each.dstate, strict=True)]
        left = sum(float(np.sum(a * b)) for a, b in pairs)
        scale = sum(float(np.sum(np.abs(a * b))) for a, b in pairs)
        worst = max(worst, abs(left - each.gradient(each.point) @ v.vector()) / max(scale, 1e-30))
    return judged(worst, 1e-12, "<Jv, u> - <v, Jᵀu>, of the terms' size")


def taylor(trial: Trial) -> Outcome:
    """With the gradient the remainder falls with the square of the step, with hvp with the cube.

    Along one direction terms of neighbouring orders may cancel, so several are taken together.
    """
    here, steps = trial.loss(trial.point), 2.0 ** -np.arange(8, 13)
    remainders = [_remainders(trial, trial.draw(), here, steps) for _ in range(4)]
    first, second = (np.linalg.norm(rows, axis=0) for rows in zip(*remainders, strict=True))
    orders = [_order(steps, first, abs(here)), _order(steps, second, abs(here))]
    ok = all(o is None or o > wanted - 0.3 for o, wanted in zip(orders, (2, 3), strict=True))
    shown = ", ".join("exact" if o is None else f"{o:.2f}" for o in orders)
    return ok, shown, "orders of the remainder: 2 with the gradient, 3 with hvp"


def _remainders(trial: Trial, v: Point, here: float, steps: Any) -> tuple[Any, Any]:
    """What is left along a direction beyond the first and beyond the second derivative."""
    start, along = trial.point.vector(), v.vector()
    slope, curve = trial.gradient(trial.point) @ along, _hvp(trial, v) @ along
    ahead = np.array([trial.loss(trial.at(start + e * along)) for e in steps])
    first = ahead - here - steps * slope
    return first, first - steps**2 * curve / 2


def _order(steps: Any, remainders: Any, scale: float) -> float | None:
    """The slope in a doubly logarithmic plot; None where nothing but rounding is left."""
    if not np.isfinite(remainders).all():
        return -np.inf
    seen = remainders > 1e-13 * max(scale, 1.0)
    if seen.sum() < 3:
        return None
    return float(np.polyfit(np.log(steps[seen]), np.log(remainders[seen]), 1)[0])


def _hvp(trial: Trial, v: Point) -> Any:
    return Point(*trial.module.hvp(trial.point.params, trial.tape, trial.dys, v.params, v.xs,
                                   v.state, trial.dstate)).vector()  # fmt: skip


def hessian(trial: Trial) -> Outcome:
    """<u, H v> = <v, H u>, and H v is the derivative of the gradient along v."""
    worst = 0.0
    for each in both(trial):
        u, v, h = each.draw(), each.draw(), 1e-6
        hu, hv, start = _hvp(each, u), _hvp(each, v), each.point.vector()
        moved = [each.gradient(each.at(start + s * h * v.vector())) for s in (1, -1)]
        differences = error(hv, (moved[0] - moved[1]) / (2 * h))
        scale = np.linalg.norm(hu) * np.linalg.norm(v.vector())
        asymmetry = abs(u.vector() @ hv - v.vector() @ hu) / max(scale, 1e-30)
        if np.abs(hv).max(initial=0) < 1e-9 and np.abs(moved[0] - moved[1]).max() < 1e-9:
            differences = 0.0  # a linear cell: both are zero
        worst = max(worst, differences, asymmetry * 1e6)
        if asymmetry > 1e-12:
            return False, f"{asymmetry:.1e}", "the Hessian is not symmetric"
    return judged(worst, 1e-6, "symmetric to 1e-12; against differences of gradients")


def step(trial: Trial) -> Outcome:
    """step, run once for each step, gives what forward gives."""
    state, ys = trial.point.state, []
    for x in trial.point.xs:
        y, state = trial.module.step(trial.point.params, x, state)
        ys.append(y)
    pairs = [(np.array(ys), trial.ys), *zip(state, trial.final, strict=True)]
    return judged(max(error(a, b) for a, b in pairs), 1e-12, "against forward")
