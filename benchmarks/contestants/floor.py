"""The floor: the matrix products alone that a cell's equations need, and nothing around them.

Products of the input are one product for all steps, as are the gradients of the parameters; those
of the states follow one another, step by step. Matrices with one factor lie one above the other. So
no implementation that leaves its products to the same BLAS can be faster.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.contestants.task import Task, Tasks
from benchmarks.grid import BOTH, FORWARD
from benchmarks.problem import Problem, normal
from derive.nodes import MatVec


def by_numpy(problem: Problem, threads: int) -> Tasks:  # noqa: ARG001 - BLAS has read its variable
    """With NumPy's BLAS."""
    return tasks(problem, lambda array: array, lambda a, b, out: np.matmul(a, b, out=out))


def by_torch(problem: Problem, threads: int) -> Tasks:
    """With PyTorch's."""
    import torch

    torch.set_num_threads(threads)
    torch.set_grad_enabled(False)
    return tasks(problem, torch.from_numpy, lambda a, b, out: torch.mm(a, b, out=out))


def factors(problem: Problem) -> dict[bool, list[tuple[int, int]]]:
    """The rows and columns of the matrices: of those that an input is multiplied with, under True,
    and of the others."""
    lengths = dict(zip("TBIH", problem.shape, strict=True))
    rows: Counter[Any] = Counter()
    for product in {m for e in problem.cell.equations for m in e.rhs.atoms(MatVec)}:
        matrix, factor = product.args
        out, inner = (lengths[axis.letter] for axis in matrix.axes)
        rows[factor, inner] += out
    inputs = set(problem.cell.inputs)
    return {
        at_once: sorted((n, k) for (factor, k), n in rows.items() if at_once == (factor in inputs))
        for at_once in (True, False)
    }


def tasks(problem: Problem, own: Callable[[Any], Any], product: Callable[..., Any]) -> Tasks:
    """The products of both passes, by a library with arrays of its own."""
    T, B, *_ = problem.shape
    rng = np.random.default_rng(0)
    forward: list[tuple[int, Any]] = []  # how often, and what
    backward: list[tuple[int, Any]] = []
    for at_once, matrices in factors(problem).items():
        rows, times = (T * B, 1) if at_once else (B, T)
        for n, k in matrices:
            arrays = (normal(rng, n, k), normal(rng, T * B, k), normal(rng, T * B, n))
            W, x, a = (own(array) for array in arrays)
            dW, dx, da = (own(np.empty_like(array)) for array in arrays)
            forward.append((times, (x[:rows], W.T, da[:rows])))
            backward += [(times, (a[:rows], W, dx[:rows])), (1, (a.T, x, dW))]

    def run(work: list[tuple[int, Any]]) -> Callable[[], None]:
        def products() -> None:
            for times, arguments in work:
                for _ in range(times):
                    product(*arguments)

        return products

    return {
        FORWARD: Task(run(forward), lambda _: {}),
        BOTH: Task(run(forward + backward), lambda _: {}),
    }
