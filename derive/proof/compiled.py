"""The proof of a compiled module: what takes its place where complex numbers prove NumPy's."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from derive import build
from derive.evaluation.inputs import arrays
from derive.proof import Outcome, Part
from derive.proof.numeric import error, judged, largest, product
from derive.proof.trial import Trial, both, for_numpy


def maker() -> Callable[[Any, str], ModuleType]:
    """What compiles modules; CellError, at once, where there is no compiler."""
    build.compiler()
    return build.compiled


def instead(parts: tuple[Part, ...], trial: Callable[[], Trial]) -> tuple[Part, ...]:
    """The parts of a proof without those that need complex numbers, and with what is compared."""
    here = {"Hessian": Part("Hessian", lambda: symmetry(trial()))}
    kept = tuple(here.get(part.name, part) for part in parts if part.name != "complex step")
    return (*kept, Part("NumPy", lambda: numpy(trial())))


def symmetry(trial: Trial) -> Outcome:
    """<u, H v> = <v, H u>. That H is the second derivative is Taylor's part."""
    worst = 0.0
    for each in both(trial):
        u, v = each.direction(), each.direction()
        hu, hv = product(each, u), product(each, v)
        terms = float(np.linalg.norm(hu) * np.linalg.norm(v.vector()))
        worst = largest(worst, error(u.vector() @ hv, v.vector() @ hu, terms))
    return judged(worst, 1e-12, "symmetric")


def numpy(trial: Trial) -> Outcome:
    """All that a module gives is what NumPy's gives."""
    worst, module = 0.0, for_numpy(trial.cell, "all")
    for each in both(trial):
        mine = Trial(each.cell, each.lengths, module=each.module)
        # At the same point, by the same seed.
        right = Trial(each.cell, each.lengths, module=module)
        pairs = zip(everything(mine), everything(right), strict=True)
        worst = largest(worst, *(error(a, b, 1.0) for a, b in pairs))
    return judged(worst, 1e-12, "against the module for NumPy")


def everything(trial: Trial) -> list[Any]:
    """The arrays that a module gives at a point."""
    v = trial.direction()
    ys_dot, state_dot = trial.module.jvp(trial.point.params, trial.tape, v.params, v.xs, v.state)
    dparams, dxs, dstate = trial.module.backward(
        trial.point.params, trial.tape, trial.dys, trial.module.State(*trial.dstate)
    )
    gradient = (dparams.flat, *arrays(dxs), *dstate)
    return [trial.ys, *trial.final, ys_dot, *state_dot, *gradient, product(trial, v)]
