"""Weights trained to remember: a number is shown in the first step, and asked for in the last.

The recall task is the smallest that needs a gradient from far back. In the first step the input is
a number to keep, and a mark beside it where there is room for one; in every later step it is noise.
After `delay` more steps a linear readout of the output is to give the number. Adam (Kingma & Ba
2015, arXiv 1412.6980) minimises the mean square error, by the generated `forward` and `backward`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from derive.cell import Cell
from derive.evaluation.inputs import leading
from derive.gradients.trajectory import lengths, width
from derive.nodes import CellError

BATCH, RATE, LARGEST = 32, 0.01, 1.0  # sequences at once, Adam's step, the gradient's norm at most


@dataclass(frozen=True)
class Recall:
    """The task: a number from [-1, 1], `delay` steps ago. A readout that knows nothing and answers
    0 has the error 1/3."""

    delay: int

    def inputs(self, rng: np.random.Generator, batch: int, size: int, steps: int = 0) -> Any:
        """Inputs (T, B, size), of delay + 1 steps or of as many as are asked for."""
        xs = 0.2 * rng.standard_normal((steps or self.delay + 1, batch, size))
        xs[0] = 0
        xs[0, :, 0] = rng.uniform(-1, 1, batch)
        xs[0, :, 1:2] = 1
        return xs


@dataclass(frozen=True)
class Trained:
    """Weights before and after training, and the mean square error at its end."""

    start: Any
    params: Any
    error: float


def train(
    cell: Cell,
    module: ModuleType,
    task: Recall,
    sizes: Sequence[int],
    iterations: int,
    rng: np.random.Generator,
    tick: Callable[[], None] = lambda: None,
) -> Trained:
    """Train a cell's weights, from its module's `init` for axes of these sizes; `tick` is called
    after every iteration.

    Raises CellError where the error is no longer a number.
    """
    params = module.init(rng, *sizes)
    start, size = params.copy(), width(cell, params)
    known = lengths(cell, params)
    readout = rng.normal(0, 0.1, known[cell.output.axes[0]])
    adam = [Adam(params.flat), Adam(readout)]
    errors = []
    for _ in range(iterations):
        xs = task.inputs(rng, BATCH, size)
        given = leading(cell, module, known, xs)
        error, gradients = _gradients(module, params, readout, given, xs[0, :, 0])
        if not np.isfinite(error):
            raise CellError(f"{cell.name}: the error is no longer a number in training")
        errors.append(error)
        norm = np.sqrt(sum(float(g @ g) for g in gradients))
        for optimiser, gradient in zip(adam, gradients, strict=True):
            optimiser.step(gradient * min(1.0, LARGEST / (norm + 1e-30)))
        tick()
    return Trained(start, params, float(np.mean(errors[-max(iterations // 20, 1) :])))


def _gradients(
    module: ModuleType, params: Any, readout: Any, given: Any, asked: Any
) -> tuple[float, list[Any]]:
    """The mean square error on a batch, whose inputs are `given` and of which the numbers `asked`
    are wanted, and its gradients by the parameters and by the readout."""
    with np.errstate(over="ignore", invalid="ignore"):
        ys, _, tape = module.forward(params, given)
        slope = 2 * (ys[-1] @ readout - asked) / len(asked)
        dys = np.zeros_like(ys)
        dys[-1] = np.outer(slope, readout)
        dparams, _, _ = module.backward(params, tape, dys)
    error = len(asked) / 4 * float(slope @ slope)
    return error, [dparams.flat, slope @ ys[-1]]


class Adam:
    """Adam's step, on an array that it changes."""

    def __init__(self, array: Any, first: float = 0.9, second: float = 0.999):
        self.array, self.first, self.second = array, first, second
        self.mean, self.square, self.steps = np.zeros_like(array), np.zeros_like(array), 0

    def step(self, gradient: Any) -> None:
        self.steps += 1
        self.mean += (1 - self.first) * (gradient - self.mean)
        self.square += (1 - self.second) * (gradient**2 - self.square)
        mean = self.mean / (1 - self.first**self.steps)
        square = self.square / (1 - self.second**self.steps)
        self.array -= RATE * mean / (np.sqrt(square) + 1e-8)
