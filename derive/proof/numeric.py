"""The proof by numbers: the generated NumPy code against itself at random values, in float64."""

from __future__ import annotations

from typing import Any

import numpy as np

from derive.evaluation.inputs import arrays, number, steps, tupled
from derive.proof import Outcome
from derive.proof.trial import Point, Trial, both


def error(one: Any, other: Any, floor: float = 0.0) -> float:
    """The largest difference, relative to the largest entry of what is right, or to `floor` where
    that is larger."""
    scale = max(float(np.abs(other).max(initial=0)), floor, 1e-30)
    difference = np.abs(one - other)
    return float(difference.max(initial=0)) / scale if np.isfinite(difference).all() else np.inf


def largest(*errors: float) -> float:
    """The largest of some errors; no number where one of them is none."""
    return float(np.max(errors))


def judged(value: float, bound: float, what: str) -> Outcome:
    """The outcome of comparing an error with its bound."""
    if not np.isfinite(value):
        return Outcome(False, "not finite", f"{what}: not finite at random values", None, bound)
    remark = f"{what}, at most {bound:.0e}"
    return Outcome(bool(value <= bound), f"{value:.1e}", remark, float(value), bound)


def complex_step(trial: Trial) -> Outcome:
    """Im f(x + ih)/h has no cancellation, so it is exact to rounding (Squire & Trapp 1998)."""
    worst = 0.0
    for each in both(trial):
        start = each.point.vector().astype(complex)
        right = np.zeros(start.size)
        for k in map(int, np.flatnonzero(each.moves)):
            right[k] = _imaginary(each, start, k)
        worst = largest(worst, _by_parts(each, each.gradient(each.point), right))
    return judged(worst, 1e-12, "of the largest entry of each array")


def _imaginary(trial: Trial, start: Any, k: int) -> float:
    moved = start.copy()
    moved[k] += 1e-30j
    return float(trial.loss(trial.at(moved)).imag) / 1e-30


def _by_parts(trial: Trial, gradient: Any, right: Any) -> float:
    """The largest error of any parameter's, the inputs' or a state's derivatives by themselves."""
    one, other = trial.at(gradient), trial.at(right)
    pairs = [(one.params[k], other.params[k]) for k in one.params]
    pairs += zip(arrays(one.xs), arrays(other.xs), strict=True)
    pairs += zip(one.state, other.state, strict=True)
    largest = float(np.abs(right).max(initial=0))
    return max(_error_of_part(a, b, largest) for a, b in pairs)


def _error_of_part(one: Any, right: Any, largest: float) -> float:
    """The error relative to the array's own largest entry; where the array is all but zero beside
    the others, relative to the largest entry of all."""
    is_small = np.abs(right).max(initial=0) <= 1e-3 * largest
    return error(one, right, largest if is_small else 0.0)


def finite_differences(trial: Trial) -> Outcome:
    """Central differences along random directions."""
    worst, h = 0.0, 1e-6
    start = trial.point.vector()
    gradient = trial.gradient(trial.point)
    for _ in range(10):
        v = trial.direction().vector()
        ahead, behind = trial.loss(trial.at(start + h * v)), trial.loss(trial.at(start - h * v))
        scale = np.linalg.norm(gradient) * np.linalg.norm(v)
        worst = largest(worst, abs((ahead - behind) / (2 * h) - gradient @ v) / max(scale, 1e-30))
    return judged(float(worst), 1e-7, "central, step 1e-6: rounding leaves no more")


def dot_product(trial: Trial) -> Outcome:
    """<J v, u> = <v, Jᵀ u>."""
    worst = 0.0
    for each in both(trial):
        v = each.direction()
        ys_dot, state_dot = each.module.jvp(each.point.params, each.tape, v.params, v.xs, v.state)
        pairs = each.paired(ys_dot, state_dot)
        left = sum(float(np.sum(a * b)) for a, b in pairs)
        scale = sum(float(np.sum(np.abs(a * b))) for a, b in pairs)
        worst = largest(
            worst, abs(left - each.gradient(each.point) @ v.vector()) / max(scale, 1e-30)
        )
    return judged(worst, 1e-12, "<Jv, u> - <v, Jᵀu>, of the terms' size")


def taylor(trial: Trial) -> Outcome:
    """With the gradient the remainder falls with the square of the step, with hvp with the cube.

    Along one direction terms of neighbouring orders may cancel, so several are taken together. The
    step size at which the order shows depends on the cell, so the order is read from the smallest
    steps whose remainders are well above rounding. A step may cross a jump, as that of `floor`;
    along others it will not, while a wrong derivative is wrong along all.
    """
    outcome = _taylor(trial)
    for _ in range(2):
        outcome = outcome if outcome.ok else _taylor(trial)
    return outcome


def _taylor(trial: Trial) -> Outcome:
    """The orders of the remainder along some directions."""
    here, steps = trial.loss(trial.point), 2.0 ** -np.arange(8, 20)
    size = sum(float(np.abs(a * b).sum()) for a, b in trial.paired(trial.ys, trial.final))
    remainders = [_remainders(trial, trial.direction(), here, steps) for _ in range(4)]
    first, second = (np.linalg.norm(rows, axis=0) for rows in zip(*remainders, strict=True))
    orders = [_order(steps, first, size), _order(steps, second, size)]
    short = max(0.0 if o is None else w - o for o, w in zip(orders, (2, 3), strict=True))
    shown = ", ".join("exact" if o is None else f"{o:.2f}" for o in orders)
    remark = "orders of the remainder: 2 with the gradient, 3 with hvp"
    missing = float(short) if np.isfinite(short) else None
    return Outcome(bool(short <= 0.3), shown, remark, missing, 0.3)


def _remainders(trial: Trial, v: Point, here: float, steps: Any) -> tuple[Any, Any]:
    """The remainders along a direction after the first and after the second derivative."""
    start, along = trial.point.vector(), v.vector()
    slope, curve = trial.gradient(trial.point) @ along, product(trial, v) @ along
    ahead = np.array([trial.loss(trial.at(start + e * along)) for e in steps])
    first = ahead - here - steps * slope
    return first, first - steps**2 * curve / 2


def _order(steps: Any, remainders: Any, scale: float) -> float | None:
    """The slope in a doubly logarithmic plot; None where nothing but rounding is left."""
    if not np.isfinite(remainders).all():
        return -np.inf
    seen = np.flatnonzero(remainders > 1e-12 * max(scale, 1.0))[-5:]
    if seen.size < 3:
        return None
    return float(np.polyfit(np.log(steps[seen]), np.log(remainders[seen]), 1)[0])


def product(trial: Trial, v: Point) -> Any:
    """The Hessian times a direction, as one vector."""
    tangents = v.params, v.xs, v.state
    product = trial.module.hvp(
        trial.point.params, trial.tape, trial.dys, *tangents, dstate=trial.dstate
    )
    return Point(*product).vector()


def hessian(trial: Trial) -> Outcome:
    """H v is the derivative of the gradient along v, by complex step, and <u, H v> = <v, H u>."""
    worst = 0.0
    for each in both(trial):
        u, v, start = each.direction(), each.direction(), each.point.vector()
        hu, hv = product(each, u), product(each, v)
        right = each.gradient_of_loss(each.at(start + 1e-30j * v.vector())).imag / 1e-30
        floor = 1e-3 * float(np.abs(each.gradient(each.point)).max())  # all but linear cells
        terms = float(np.linalg.norm(hu) * np.linalg.norm(v.vector()))
        worst = largest(
            worst, error(hv, right, floor), error(u.vector() @ hv, v.vector() @ hu, terms)
        )
    return judged(worst, 1e-12, "symmetric, and the complex step of the gradient")


def step(trial: Trial) -> Outcome:
    """step, run once for each step, gives what forward gives; both start where the cell says."""
    (params, xs), worst = (trial.point.params, trial.point.xs), 0.0
    starts = [trial.cell.starts.get(s.name, 0.0) for s in trial.cell.states]
    begin = trial.module.State(*map(np.full, trial.state_shapes, map(float, starts)))
    for given, first in ((trial.point.state,) * 2, (None, begin)):
        want, final, _ = trial.module.forward(params, xs, first)
        state: Any = given
        ys = []
        for t, x in enumerate(steps(trial.module, xs), start=1):
            y, state = trial.module.step(params, x, state, *number(trial.cell, t))
            ys.append(y)
        pairs = [(np.array(ys), want), *zip(state, final, strict=True)]
        pairs += [(trial.module.forward(params, xs, given)[0], want)]
        worst = largest(worst, *(error(a, b) for a, b in pairs))
    return judged(worst, 1e-12, "against forward")


def states_only(trial: Trial) -> Outcome:
    """The module that keeps nothing but inputs and states gives the same outputs and gradient."""
    module = trial.make(trial.cell, "states")
    params = module.Params(*trial.template._sizes)
    for name, values in trial.point.params.items():
        params[name] = values
    xs = tupled(module, arrays(trial.point.xs))
    ys, final, tape = module.forward(params, xs, module.State(*trial.point.state))
    dparams, dxs, dstate = module.backward(params, tape, trial.dys, module.State(*trial.dstate))
    right = trial.at(trial.gradient(trial.point))
    pairs = [(ys, trial.ys), *zip(final, trial.final, strict=True)]
    pairs += zip(arrays(dxs), arrays(right.xs), strict=True)
    pairs += zip(dstate, right.state, strict=True)
    pairs += [(dparams[name], right.params[name]) for name in dparams]
    size = largest(*(float(np.abs(b).max(initial=0)) for _, b in pairs))
    worst = largest(*(float(np.abs(a - b).max(initial=0)) for a, b in pairs)) / max(size, 1e-30)
    return judged(worst, 1e-12, "--store states against the other")


def single(trial: Trial) -> Outcome:
    """In float32 the outputs and the gradient are as near as rounding lets them be."""
    point = trial.at(trial.point.vector().astype(np.float32))
    (ys, final, _), gradient = trial.run(point), trial.gradient(point)
    if {ys.dtype, gradient.dtype} != {np.dtype(np.float32)}:
        return Outcome(False, str(ys.dtype), "what float32 gives must be float32")
    pairs = [(ys, trial.ys), (gradient, trial.gradient(trial.point))]
    pairs += zip(final, trial.final, strict=True)
    return judged(largest(*(error(a, b) for a, b in pairs)), 1e-4, "against float64")
