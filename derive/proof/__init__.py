"""The proof that everything made of a cell agrees: a list of rows, each of which can fail.

identity            the derived gradient is SymPy's own, as an identity        (identity.py)
complex step        every partial derivative of the generated code             (numeric.py)
finite differences  the familiar check
dot product         forward and reverse mode are each other's transpose
Taylor              remainders fall as the order of the derivative says
Hessian             the Hessian is symmetric, and the gradient's derivative by complex step
step                one step at a time gives what forward gives
states only         so does the module that keeps less (--store states)
float32             and single precision, as nearly as it can
peer                another library's cell of the same equations agrees       (peers.py)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from derive.cell import Cell


@dataclass(frozen=True)
class Row:
    """One part of the proof. `ok` is None where it could not be run, and `remark` says why."""

    name: str
    ok: bool | None
    figure: str
    remark: str


def check(cell: Cell) -> list[Row]:
    """Prove a cell; rows in the order of the module's docstring."""
    from derive.proof import identity, numeric, peers
    from derive.proof.trial import Trial

    trial = Trial(cell)
    parts: list[tuple[str, Callable[[], tuple[bool | None, str, str]]]] = [
        ("identity", lambda: (*identity.prove(cell), "SymPy's diff of an unrolled loss")),
        ("complex step", lambda: numeric.complex_step(trial)),
        ("finite differences", lambda: numeric.finite_differences(trial)),
        ("dot product", lambda: numeric.dot_product(trial)),
        ("Taylor", lambda: numeric.taylor(trial)),
        ("Hessian", lambda: numeric.hessian(trial)),
        ("step", lambda: numeric.step(trial)),
        ("states only", lambda: numeric.states_only(trial)),
        ("float32", lambda: numeric.single(trial)),
        ("peer", lambda: peers.compare(cell, trial)),
    ]
    return [Row(name, *part()) for name, part in parts]
