"""How open gates are, and how far other activations go: histograms over all steps and draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from derive.cell import Cell, Equation
from derive.elementwise import Elementwise
from derive.gradients.samples import Sample
from derive.gradients.values import values

BINS = 40


@dataclass(frozen=True)
class Histogram:
    """The values of a quantity.

    name    the quantity's, of a new state the state's
    is_gate whether it is a gate, in (0, 1)
    edges   of the bins, (n + 1,)
    shares  by stage, the share of values in each bin, (n,)
    closed  by stage, the share of values below 0.1
    open    by stage, the share of values above 0.9
    """

    name: str
    is_gate: bool
    edges: Any
    shares: Mapping[str, Any]
    closed: Mapping[str, float]
    open: Mapping[str, float]


@dataclass(frozen=True)
class Activity:
    """The histograms of a cell, in the order of its equations."""

    label: str
    histograms: tuple[Histogram, ...]


def activity(samples: Sequence[Sample]) -> Activity:
    """The histograms of one cell's functions and new states, over one sample or, side by side, over
    several at different stages."""
    cell = samples[0].cell
    found = [[values(t, cell.equations) for t in sample.trajectories] for sample in samples]
    stages = [sample.stage for sample in samples]
    histograms = []
    for equation in looked_at(cell):
        pooled = [np.concatenate([np.ravel(v[equation.lhs]) for v in some]) for some in found]
        by_stage = dict(zip(stages, pooled, strict=True))
        histograms.append(_histogram(cell, equation, by_stage))
    return Activity(samples[0].label, tuple(histograms))


def looked_at(cell: Cell) -> list[Equation]:
    """The equations that are a function of something, and those of new states."""
    new = set(cell.updates.values())
    return [e for e in cell.equations if isinstance(e.rhs, Elementwise) or e.lhs in new]


def _histogram(cell: Cell, equation: Equation, by_stage: Mapping[str, Any]) -> Histogram:
    names = {new: state for state, new in cell.updates.items()}
    everything = np.concatenate(list(by_stage.values()))
    low, high = getattr(equation.rhs, "bounds", (-np.inf, np.inf))
    if not np.isfinite([low, high]).all():
        low, high = everything.min(), everything.max()
    margin = 0.5 if low == high else 0.0
    edges = np.linspace(low - margin, high + margin, BINS + 1)
    return Histogram(
        name=names.get(equation.lhs, equation.lhs).name,
        is_gate=equation.lhs in cell.gates,
        edges=edges,
        shares={k: np.histogram(v, edges)[0] / v.size for k, v in by_stage.items()},
        closed={k: float(np.mean(v < 0.1)) for k, v in by_stage.items()},
        open={k: float(np.mean(v > 0.9)) for k, v in by_stage.items()},
    )
