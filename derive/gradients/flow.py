"""How much of a gradient is left, so many steps back in time.

Let s(t) be all states of a cell after step t, one vector, and T the last step. A gradient that
arrives at s(T) reaches s(T - k) by way of

    ∂s(T)/∂s(T - k) = J(T) J(T - 1) … J(T - k + 1),        J(t) = ∂s(t)/∂s(t - 1),

and the *flow* at the distance k is this matrix' spectral norm, its largest singular value: what is
left of the gradient, at most. It is 1 at k = 0; where it falls to 0 the gradient vanishes, where it
grows without bound it explodes. For a single state q the same is asked of ∂q(T)/∂q(T - k), a block
of that product, in which all paths count, also those by way of other states.

Beside it stands the rail: the product of the factors with which each step multiplies q by sums and
products alone (`derive.jacobian.rail`), the LSTM's f(T) f(T - 1) … along c. That is the norm as it
would be if all that q meets on its way were held, a gate or a candidate that depends on it by way
of other states as well.

There is a curve for each draw of weights and inputs; what is shown is their median, with the
quartiles as a band. Sequences have a step more than the largest distance, since the first does not
count (`derive.gradients.trajectory`). Norms are kept as their decimal logarithms,
so that neither what vanishes nor what explodes leaves the range of a number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import sympy as sp

from derive.adjoint import Adjoint, adjoint
from derive.cell import Cell
from derive.evaluation.arrays import evaluate, extent
from derive.gradients.samples import USUAL, Sample, Setup, drawn
from derive.gradients.trajectory import Trajectory, lengths
from derive.gradients.values import values
from derive.jacobian import rail
from derive.nodes import Quantity, axes_of, describe, stretched


@dataclass(frozen=True)
class Curve:
    """A norm at the distances 0 to K, of each of D draws.

    log10  the norms' decimal logarithms, (D, K + 1); -inf for a norm of zero
    """

    log10: Any

    def quantile(self, share: float) -> Any:
        """The curve that this share of the draws lies below, (K + 1,): always values of draws, as
        logarithms of zero have no middle."""
        return np.quantile(self.log10, share, axis=0, method="inverted_cdf")

    @cached_property
    def median(self) -> Any:
        """The middle of the draws at every distance, (K + 1,)."""
        return self.quantile(0.5)

    @property
    def factor(self) -> float:
        """The growth of the median in a step, in the geometric mean over all of them."""
        distance = len(self.median) - 1
        return float(10 ** (self.median[-1] / distance))

    @property
    def half_life(self) -> float:
        """After how many steps half is left, at that rate; inf where nothing is lost."""
        distance, lost = len(self.median) - 1, -self.median[-1]
        return float(distance * np.log10(2) / lost) if lost > 0 else float("inf")


@dataclass(frozen=True)
class Flow:
    """The flow of a cell's gradient.

    sample   what it was measured on
    whole    of all states together
    states   of each state by itself, by name
    rails    the product of its factor alone, for states that have a rail
    factors  these factors, as a person writes them, cut where they are long
    """

    sample: Sample
    whole: Curve
    states: Mapping[str, Curve]
    rails: Mapping[str, Curve]
    factors: Mapping[str, str]


def flow(cell: Cell, setup: Setup = USUAL, label: str = "") -> Flow:
    """The flow of a cell's gradient on random weights and inputs."""
    return flow_of(drawn(cell, setup, label))


def flow_of(sample: Sample) -> Flow:
    """The flow along the sequences of a sample, a draw for each."""
    cell, derived = sample.cell, adjoint(sample.cell)
    factors = {s: rail(derived, s) for s in cell.states}
    factors = {s: factor for s, factor in factors.items() if factor != 0}
    jacobians = np.concatenate([t.jacobians() for t in sample.trajectories], axis=1)
    parts = sample.trajectories[0].parts
    whole, *blocks = _norms(jacobians, [slice(None), *parts.values()])
    rails = [_rails(t, derived, factors) for t in sample.trajectories]
    return Flow(
        sample=sample,
        whole=Curve(whole),
        states={s.name: Curve(block) for s, block in zip(parts, blocks, strict=True)},
        rails={s.name: Curve(np.concatenate([r[s] for r in rails])) for s in factors},
        factors={s.name: describe(_in_own_names(f, derived), 24) for s, f in factors.items()},
    )


def _in_own_names(expr: sp.Expr, derived: Adjoint) -> sp.Expr:
    """An expression without the names that only the normal form has given."""
    own = {*derived.cell.quantities}
    inner = {e.lhs: e.rhs for e in derived.forward if e.lhs not in own}
    while expr.free_symbols & inner.keys():
        expr = expr.xreplace(inner)
    return expr


def _norms(jacobians: Any, blocks: Sequence[slice]) -> Any:
    """From Jacobians (K, D, n, n), the logarithms of the norms of their product at every distance,
    of several of its blocks: (blocks, D, K + 1)."""
    K, D, n, _ = jacobians.shape
    found = np.empty((len(blocks), D, K + 1))
    product, scale = np.broadcast_to(np.eye(n), (D, n, n)), np.zeros(D)
    with np.errstate(divide="ignore"):
        for k in range(K + 1):
            for row, part in zip(found, blocks, strict=True):
                row[:, k] = scale + np.log10(np.linalg.norm(product[:, part, part], 2, (1, 2)))
            if k < K:
                product = product @ jacobians[K - 1 - k]
                largest = np.abs(product).max((1, 2))
                largest[largest == 0] = 1
                product, scale = product / largest[:, None, None], scale + np.log10(largest)
    return found


def _rails(
    trajectory: Trajectory, derived: Adjoint, factors: Mapping[Quantity, sp.Expr]
) -> dict[Quantity, Any]:
    """For each state with a rail, the logarithms of the largest entry of the product of its
    factors, (B, K + 1): the spectral norm of a diagonal matrix."""
    known, sizes = values(trajectory, derived.forward), lengths(trajectory.cell, trajectory.params)
    outer = trajectory.xs.shape[:2]
    found = {}
    for s, factor in factors.items():
        whole = np.ones((*outer, *extent(s.axes, sizes)))
        for part in sp.Mul.make_args(factor):  # which scale rows, columns, or all
            whole *= stretched(evaluate(part, known, sizes), axes_of(part), s.axes)
        found[s] = _largest_products(whole[1:].reshape(len(whole) - 1, outer[1], -1))
    return found


def _largest_products(factor: Any) -> Any:
    """From the factors of every step (K, B, n), the logarithm of the largest product of those from
    the last step to k steps back, (B, K + 1)."""
    with np.errstate(divide="ignore"):
        logs = np.log10(np.abs(factor[::-1]))
    products = np.concatenate([np.zeros_like(logs[:1]), np.cumsum(logs, axis=0)])
    return products.max(-1).T
