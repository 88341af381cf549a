"""Targets. Each backend is a package here and a folder of templates, with the same few functions as
every other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:  # so that the command can name the targets without importing SymPy
    from derive.cell import Cell
    from derive.program.policy import Policy
    from derive.program.program import Program

IN_PYTHON = ("numpy", "c")  # whose modules Python imports
NETWORKS = ("numpy", "c")  # that have networks of cells, too
BACKENDS = ("numpy", "javascript", "c", "torch", "jax", "flax", "onnx", "markdown")
# What forward keeps for backward (`derive.program.loops.Loops`), and what a target needs routines
# around its own for.
KEPT = ("all", "states", "everything")
STORES = (*KEPT, "checkpoints")


class Backend(Protocol):
    """The interface of a backend's package. One that a person may tell more has OPTIONS, the names
    of further arguments of `files`."""

    POLICY: Policy  # what is cheap in this target
    STORES: Sequence[str]  # what forward may keep for backward

    def files(self, program: Program, **options: Any) -> Mapping[str, Any]:
        """File names and texts, or bytes, that make up the cell in this target."""
        ...

    def overview(self, cells: Sequence[Cell]) -> Mapping[str, str]:
        """File names and texts about all the built-in cells together."""
        ...


def no_overview(cells: Sequence[Cell]) -> dict[str, str]:  # noqa: ARG001
    """For a target whose files stand each for itself."""
    return {}
