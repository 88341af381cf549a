"""The proof of a network: that of its cells, then its module by numbers, as a cell's.

identity            the derived gradient of every cell is SymPy's own, as an identity
equations           the network gives what the equations give, evaluated apart      (rows.py)
complex step        the derivatives by each array, along random directions          (rows.py)
finite differences  and so on: as of a cell, with random masks                      (derive.proof)
loss                its value, its derivative, and the derivative of that           (rows.py)

A compiled module takes no complex numbers, and its loss is NumPy's: of it all but the complex step
and the loss, the Hessian's symmetry alone, and one row more:

NumPy               in float64 it gives what the module for NumPy gives             (rows.py)

Where a layer's derivative is declared, no difference of values shows it, and the rows that take
differences are not run; a cell's own proof has a way to (held.py).
"""

from __future__ import annotations

from functools import cache, partial
from types import ModuleType
from typing import Any

from derive import compiler
from derive.backends import NETWORKS
from derive.cell import Cell
from derive.network.network import Network
from derive.nodes import CellError
from derive.proof import Outcome, Part, compiled, identity, numeric
from derive.proof.held import is_declared
from derive.proof.network import rows
from derive.proof.network.face import Face, Maker, NetworkTrial, made

NUMPY_ALONE = frozenset(("complex step", "loss"))  # what a compiled module has no row of
OF_DIFFERENCES = frozenset(("complex step", "finite differences", "Taylor"))


def parts(network: Network, backend: str = "numpy") -> tuple[Part, ...]:
    """The parts of a network's proof, in the order of the module's docstring; CellError where
    nothing can make its module."""
    if backend not in NETWORKS:
        raise CellError(f"{backend} has no networks; there are {', '.join(NETWORKS)}")
    face: Any = Face(network)
    is_compiled = backend == "c"
    maker: Maker = compiled.maker() if is_compiled else compiler.module
    hessian = compiled.symmetry if is_compiled else numeric.hessian

    kept = cache(partial(maker, network))

    def make(_: Network, store: str) -> ModuleType:
        return kept(store)

    @cache
    def trial() -> NetworkTrial:
        return NetworkTrial(face, make=made(make, masked=True))

    def without_masks() -> NetworkTrial:
        return NetworkTrial(face, make=made(make, masked=False))

    found = [
        *(Part("identity", partial(_identity, cell)) for cell in network.cells),
        Part("equations", lambda: rows.equations(trial(), without_masks())),
        Part("complex step", lambda: rows.complex_step(trial())),
        Part("finite differences", lambda: numeric.finite_differences(trial())),
        Part("dot product", lambda: numeric.dot_product(trial())),
        Part("Taylor", lambda: numeric.taylor(trial())),
        Part("Hessian", lambda: hessian(trial())),
        Part("step", lambda: numeric.step(without_masks())),
        Part("states only", lambda: numeric.states_only(trial())),
        Part("float32", lambda: numeric.single(trial())),
        Part("loss", lambda: rows.loss(trial())),
        Part("NumPy", lambda: rows.numpy(trial(), without_masks())),
    ]
    left_out = {*NUMPY_ALONE} if is_compiled else {"NumPy"}
    left_out |= set() if network.is_streaming else {"step"}
    left_out |= set() if network.loss else {"loss"}
    differences = {*OF_DIFFERENCES} if is_compiled else {*OF_DIFFERENCES, "Hessian"}
    named = (part.cell.name for part in network.parts if is_declared(part.cell.equations))
    declared = [*dict.fromkeys(named)]
    return tuple(
        _not_run(part, declared) if declared and part.name in differences else part
        for part in found
        if part.name not in left_out
    )


def _not_run(part: Part, declared: list[str]) -> Part:
    """In place of a part that takes differences of values."""
    remark = f"{', '.join(declared)}: a derivative is declared, which no difference of values shows"
    return Part(part.name, lambda: Outcome(None, "-", f"{remark}; check the cell by itself"))


def _identity(cell: Cell) -> Outcome:
    found = identity.outcome(identity.unrolled(cell))
    return found._replace(remark=f"{cell.name}: {found.remark}")
