"""What is looked at: a cell along sequences, with weights that are drawn, given or trained."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from derive.cell import Cell
from derive.compiler import module as module_of
from derive.evaluation.given import checked, sizes_of
from derive.evaluation.reading import weights
from derive.gradients.train import Recall, train
from derive.gradients.trajectory import Trajectory, sizes, width
from derive.nodes import CellError, I, shape


@dataclass(frozen=True)
class Setup:
    """How large, how far and how often.

    steps   the largest distance in time; sequences are one step longer
    units   the length of every axis but the input's
    inputs  the length of the input, where it has one of its own
    draws   how many times weights and inputs are drawn
    seed    of all that is drawn
    """

    steps: int = 100
    units: int = 16
    inputs: int = 2
    draws: int = 12
    seed: int = 0

    def rngs(self, purpose: int) -> list[np.random.Generator]:
        """A source of random numbers for each draw."""
        return [np.random.default_rng([self.seed, draw, purpose]) for draw in range(self.draws)]

    def sizes(self, cell: Cell) -> list[int]:
        """The lengths of a cell's axes."""
        return sizes(cell, self.inputs, self.units)


USUAL = Setup()


@dataclass(frozen=True)
class Sample:
    """A cell along several sequences.

    label   what it is called
    stage   "at first" or "trained", where both are looked at
    errors  for trained weights, each one's mean square error in the task
    """

    label: str
    trajectories: Sequence[Trajectory]
    stage: str = ""
    errors: Sequence[float] = ()

    @property
    def cell(self) -> Cell:
        return self.trajectories[0].cell

    @property
    def error(self) -> float | None:
        """The median of the errors."""
        return float(np.median(self.errors)) if self.errors else None

    @property
    def title(self) -> str:
        """The label, and how far it is trained."""
        return ", ".join(filter(None, (self.label, self.stage)))


Inputs = Callable[[np.random.Generator, int], Any]  # the length of the input -> (T, 1, length)


def drawn(cell: Cell, setup: Setup, label: str = "") -> Sample:
    """Weights as the module's `init` draws them, on noise."""
    module = module_of(cell)
    params = [module.init(rng, *setup.sizes(cell)) for rng in setup.rngs(0)]
    return _along(cell, module, params, setup, _noise(setup), label)


def given(cell: Cell, file: Path, setup: Setup, label: str = "") -> Sample:
    """Weights from a file that has an array for each parameter, on noise."""
    module = module_of(cell)
    params = [params_from(file, cell, module)] * setup.draws
    return _along(cell, module, params, setup, _noise(setup), label)


def trained(
    cell: Cell,
    setup: Setup,
    task: Recall,
    iterations: int,
    label: str = "",
    tick: Callable[[], None] = lambda: None,
) -> tuple[Sample, Sample]:
    """Weights before and after training, on the task's inputs. `tick` is called after every
    iteration."""
    module = module_of(cell)
    results = [
        train(cell, module, task, setup.sizes(cell), iterations, rng, tick) for rng in setup.rngs(0)
    ]

    def inputs(rng: np.random.Generator, size: int) -> Any:
        return task.inputs(rng, 1, size, setup.steps + 1)

    at_first = _along(cell, module, [r.start for r in results], setup, inputs, label)
    after = _along(cell, module, [r.params for r in results], setup, inputs, label)
    errors = [r.error for r in results]
    return replace(at_first, stage="at first"), replace(after, stage="trained", errors=errors)


def _noise(setup: Setup) -> Inputs:
    """Inputs with nothing to remember: standard normal."""
    return lambda rng, size: rng.standard_normal((setup.steps + 1, 1, size))


def _along(
    cell: Cell,
    module: ModuleType,
    params: Sequence[Any],
    setup: Setup,
    inputs: Inputs,
    label: str,
) -> Sample:
    """Each of several parameters along a sequence of its own."""
    trajectories = [
        Trajectory(cell, module, some, inputs(rng, width(cell, some)))
        for some, rng in zip(params, setup.rngs(1), strict=True)
    ]
    return Sample(label or cell.name, trajectories)


def params_from(path: Path, cell: Cell, module: ModuleType) -> Any:
    """The parameters in a file, all of them and in their own shapes; CellError where they do not
    fit. `derive.evaluation.reading.weights` says which files there are."""
    given = checked(weights(path), cell.parameters, "parameter")
    for p in cell.parameters:
        if p not in given:
            has = ", ".join(sorted(q.name for q in given)) or "nothing"
            raise CellError(f"{path} has no parameter `{p}` of {cell.name}; it has {has}")
        if given[p].ndim != len(p.axes):
            needs = shape(p.axes)
            raise CellError(f"{path}: `{p}` has the shape {given[p].shape}, and needs {needs}")
    known = {I, *(axis for p in cell.parameters for axis in p.axes)}
    missing = [axis.letter for axis in cell.axes if axis not in known]
    if missing:
        raise CellError(f"no parameter of {cell.name} says how long {', '.join(missing)} is")
    lengths = sizes_of(cell, ((p, array.shape) for p, array in given.items()), {})
    params = module.Params(*lengths.values())
    for p, array in given.items():
        params[p.name][...] = array
    return params
