"""The proof that everything made of a cell agrees: a list of rows, each of which can fail.

identity            the derived gradient is SymPy's own, as an identity        (identity.py)
reach               some loss has a gradient by every parameter                (reach.py)
complex step        every partial derivative of the generated code             (numeric.py)
finite differences  the familiar check
dot product         forward and reverse mode are each other's transpose
Taylor              remainders fall as the order of the derivative says
Hessian             the Hessian is symmetric, and the gradient's derivative by complex step
step                one step at a time gives what forward gives
states only         so does the module that keeps less (--store states)
float32             and single precision, as nearly as it can
peer                another library's cell of the same equations agrees       (peers.py)

A compiled module takes no complex numbers: of it all but the complex step, the Hessian's symmetry
alone, and one row more:

NumPy               in float64 it gives what the module for NumPy gives
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from derive.cell import Cell
from derive.network.network import Network


class Outcome(NamedTuple):
    """The result of a part of the proof.

    ok      None where it could not be run, and `remark` says why
    figure  what was found, for people
    remark  what it is the figure of
    value   the error that was measured, where it is a number; it is right if it is at most `bound`
    bound   None where nothing was measured: the identity is exact
    """

    ok: bool | None
    figure: str
    remark: str
    value: float | None = None
    bound: float | None = None


@dataclass(frozen=True)
class Row:
    """One part of the proof: its name, its `Outcome`, and the seconds that it took."""

    name: str
    ok: bool | None
    figure: str
    remark: str
    value: float | None = None
    bound: float | None = None
    seconds: float = 0.0


@dataclass(frozen=True)
class Part:
    """One part of the proof, to be run."""

    name: str
    outcome: Callable[[], Outcome]

    def row(self) -> Row:
        """Run it."""
        start = time.perf_counter()
        outcome = self.outcome()
        return Row(self.name, *outcome, time.perf_counter() - start)


def parts(cell: Cell | Network, backend: str = "numpy") -> tuple[Part, ...]:
    """The parts of a cell's proof, in the order of the module's docstring, or those of a network's
    (`derive.proof.network`); CellError where nothing can make its module."""
    if not isinstance(cell, Cell):
        from derive.proof.network import parts as of_network

        return of_network(cell, backend)
    from derive.proof import compiled, identity, numeric, peers, reach
    from derive.proof.trial import Trial, for_numpy

    is_compiled = backend != "numpy"
    make = compiled.maker() if is_compiled else for_numpy

    @cache
    def network() -> identity.Network:
        return identity.unrolled(cell)

    @cache
    def trial() -> Trial:
        return Trial(cell, make=make)

    found = (
        Part("identity", lambda: identity.outcome(network())),
        Part("reach", lambda: reach.outcome(network())),
        Part("complex step", lambda: numeric.complex_step(trial())),
        Part("finite differences", lambda: numeric.finite_differences(trial())),
        Part("dot product", lambda: numeric.dot_product(trial())),
        Part("Taylor", lambda: numeric.taylor(trial())),
        Part("Hessian", lambda: numeric.hessian(trial())),
        Part("step", lambda: numeric.step(trial())),
        Part("states only", lambda: numeric.states_only(trial())),
        Part("float32", lambda: numeric.single(trial())),
        Part("peer", lambda: peers.compare(cell, trial())),
    )
    return compiled.instead(found, trial) if is_compiled else found


def check(cell: Cell | Network, backend: str = "numpy") -> list[Row]:
    """Prove a cell or a network, and its module of a backend: run every part."""
    return [part.row() for part in parts(cell, backend)]
