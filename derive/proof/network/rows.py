"""What is proved of a network by numbers, apart from what is proved so of a cell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from derive import compiler
from derive.evaluation.inputs import arrays
from derive.evaluation.trace import trace
from derive.network.network import Dropout, Loss, Part
from derive.proof import Outcome
from derive.proof.compiled import everything
from derive.proof.network.face import length, made
from derive.proof.numeric import error, judged, largest
from derive.proof.trial import Trial, both


def complex_step(trial: Trial) -> Outcome:
    """Im f(x + ihv)/h has no cancellation, so it is exact to rounding. A network may have many
    numbers, so that each array moves along random directions of its own."""
    worst = 0.0
    for each in both(trial):
        start, gradient = each.point.vector(), each.gradient(each.point)
        floor = float(np.abs(gradient).max())
        for array in _arrays(each):
            for _ in range(3):
                v = np.where(array, each.direction().vector(), 0)
                right = each.loss(each.at(start + 1e-30j * v)).imag / 1e-30
                terms = float(np.abs(gradient * v).sum())
                floors = max(terms, 1e-3 * floor, 1e-30)
                worst = largest(worst, abs(gradient @ v - right) / floors)
    return judged(worst, 1e-12, "of each array along random directions, of the terms' size")


def _arrays(trial: Trial) -> list[Any]:
    """For each array of a point, where it is in the point as one vector."""
    numbers = np.zeros(trial.point.vector().size)
    marked = trial.at(numbers)
    views = [*marked.params.values(), *arrays(marked.xs), *marked.state]
    for k, view in enumerate(views, start=1):
        view[...] = k
    return [marked.vector() == k for k in range(1, len(views) + 1)]


def equations(*trials: Trial) -> Outcome:
    """What comes out is what the equations give, with numbers put in, sequence by sequence and
    stage by stage; nothing that was generated is called for it."""
    worst = 0.0
    for each in (one for trial in trials for one in both(trial)):
        T, B = each.ys.shape[:2]
        lengths = [T] * B if each.lengths is None else each.lengths
        for b, steps in enumerate(lengths):
            ys, last = _evaluated(each, b, int(steps))
            pairs = [(each.ys[:steps, b], ys), (each.ys[steps:, b], np.zeros(()))]
            pairs += [(array[b], last[name]) for name, array in _states(each) if name in last]
            worst = largest(worst, *(error(a, right, 1.0) for a, right in pairs))
    return judged(worst, 1e-12, "against the equations, evaluated apart")


def _states(trial: Trial) -> Iterator[tuple[str, Any]]:
    """The final states by their names."""
    return zip((s.name for s in trial.cell.states), trial.final, strict=True)


def _evaluated(trial: Trial, b: int, steps: int) -> tuple[Any, Mapping[str, Any]]:
    """The outputs of one sequence, (steps, n), and the final states by name."""
    face: Any = trial.cell
    network = face.network
    last: dict[str, Any] = {}
    begun = dict(zip((s.name for s in face.states), trial.point.state, strict=True))
    given = [array[:steps, b] for array in arrays(trial.point.xs)]
    masks = {name: mask[:steps, b] for name, mask in trial.module.named_masks.items()}
    for part in () if masks else network.parts:
        for state, (mask, rate) in part.zoneout.items():
            masks[part.masks[mask]] = np.full_like(begun[f"{part.name}.{state}"][:1], 1 - rate)
            masks[part.masks[mask]] = masks[part.masks[mask]].repeat(steps, axis=0)
    for stage in network.stages:
        if isinstance(stage, Dropout):
            given = [given[0] * masks.get(stage.name, 1.0)]
            continue
        outs = []
        for part in stage.parts:
            own = [*given, *(masks[name] for name in part.masks.values())]
            own = [array[::-1] for array in own] if part.reverse else own
            starts = {s.name: begun[f"{part.name}.{s}"][b] for s in part.cell.states}
            ys, ends = _run(trial, part, own, starts)
            outs.append(ys[::-1] if part.reverse else ys)
            last |= {f"{part.name}.{name}": array for name, array in ends.items()}
        given = [np.concatenate(outs, axis=-1)]
    return given[0], last


def _run(
    trial: Trial, part: Part, given: list[Any], starts: Mapping[str, Any]
) -> tuple[Any, dict[str, Any]]:
    """A part over one sequence: its outputs, (steps, n), and its last states."""
    cell, sizes = part.cell, {a.letter: length(n, trial.sizes) for a, n in part.sizes.items()}
    width = length(part.width, trial.sizes)
    if not len(given[0]):
        return np.zeros((0, width)), dict(starts)
    axes = {q: (len(given[0]), 1, *(sizes[a.letter] for a in q.axes)) for q in cell.inputs}
    xs = {q.name: a.reshape(axes[q]) for q, a in zip(cell.inputs, given, strict=True)}
    weights = {p.name: trial.point.params[f"{part.name}.{p}"] for p in cell.parameters}
    shapes = {s.name: tuple(sizes[a.letter] for a in s.axes) for s in cell.states}
    state = {name: a.reshape(1, *shapes[name]) for name, a in starts.items()}
    traced = trace(cell, xs, weights, state, sizes=sizes)
    ends = {s.name: traced.value(new, -1)[0] for s, new in cell.updates.items()}
    ys = np.array([traced.value(cell.output, t)[0] for t in range(len(traced.steps))])
    return ys.reshape(-1, width), ends


def loss(trial: Trial) -> Outcome:
    """The loss is what its equations give; its derivative, and the derivative of that along a
    direction, are those by complex step."""
    worst, module, rng = 0.0, trial.module.own, trial.rng
    face: Any = trial.cell
    for each in both(trial):
        ys, lengths = each.ys, each.lengths
        weights = rng.uniform(0.5, 1.5, ys.shape[:2])
        targets = _targets(face.network.loss, ys, rng)
        value, dys = module.loss(ys, targets, lengths, weights)
        right = _loss(face.network.loss, each, targets, weights)
        for _ in range(3):
            v = rng.standard_normal(ys.shape)
            ahead = ys + 1e-30j * v, targets.astype(complex), lengths, weights.astype(complex)
            moved, turned = module.loss(*ahead)
            slopes = (np.sum(dys * v), moved.imag / 1e-30)
            curves = (module.loss_hvp(ys, targets, v, lengths, weights), turned.imag / 1e-30)
            worst = largest(worst, *(error(a, b, 1e-3) for a, b in (slopes, curves)))
        worst = largest(worst, error(value, right, 1e-3))
    return judged(worst, 1e-12, "its value, derivative, and second derivative")


def _targets(loss: Loss, ys: Any, rng: Any) -> Any:
    """Random targets; where they have as many entries as outputs, all that may be asked of any:
    positive, and 1 together."""
    shape = ys.shape[:2] if not loss.target.axes else (*ys.shape[:2], ys.shape[2] // loss.count)
    drawn = rng.uniform(0.1, 1, shape)
    return drawn / drawn.sum(-1, keepdims=True) if loss.target.axes and loss.count == 1 else drawn


def _loss(loss: Loss, trial: Trial, targets: Any, weights: Any) -> float:
    """The mean of the loss over all steps that there are, from its equations."""
    total = weight = 0.0
    T, B, width = trial.ys.shape
    lengths = [T] * B if trial.lengths is None else trial.lengths
    values = {p.name: np.resize(some, width) for p, some in loss.values.items()}
    for b, steps in enumerate(lengths):
        for t in range(steps):
            target = np.repeat(targets[t, b], loss.count) if loss.target.axes else targets[t, b]
            xs = {loss.map.input.name: trial.ys[t, b][None, None]}
            xs[loss.target.name] = np.asarray(target)[None, None]
            found = trace(loss.map, xs, values).value(loss.map.output, 0)
            total, weight = total + weights[t, b] * float(found[0]), weight + weights[t, b]
    return total / (weight or 1.0)


def numpy(*trials: Trial) -> Outcome:
    """All that a module gives is what NumPy's gives."""
    worst = 0.0
    face: Any = trials[0].cell
    module = compiler.module(face.network)
    for each in (one for trial in trials for one in both(trial)):
        own = made(lambda *_: module, masked=each.module.masks is not None)
        right = type(each)(face, each.lengths, make=own)  # at the same point, by the same seed
        mine = type(each)(face, each.lengths, module=each.module)
        pairs = zip(everything(mine), everything(right), strict=True)
        worst = largest(worst, *(error(a, b, 1.0) for a, b in pairs))
    return judged(worst, 1e-12, "against the module for NumPy")
