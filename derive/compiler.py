"""From a cell to files, stage by stage.

    derive.language          a person's class body  ->  Cell
    derive.network           one about layers       ->  Network: cells, each in its place
    derive.normal            its equations          ->  equations of one step of the chain rule each
    derive.computed          these                  ->  their values, whatever is declared of them
    derive.adjoint           these                  ->  one adjoint equation for each
    derive.tangent           any of these           ->  one tangent equation for each
    derive.program.loops     all of these           ->  loops: what runs before, during, after
    derive.program.layout    the forward loop       ->  which parameters and gates lie side by side
    derive.program.routine   each loop              ->  statements in order, all in its place
    derive.program.buffers   each routine           ->  the arrays that it needs
    derive.program.interface all routines           ->  what they take, hand on, and give
    derive.backends.NAME     the program            ->  text, by way of templates/NAME

Beside them stand the rooms that read the equations without generating anything: `derive.jacobian`,
`derive.exact`, `derive.evaluation`, `derive.cost`, `derive.display`, and `derive.weights`, which
compares them with those of other libraries' layers; above them those that put all to use:
`derive.proof`, `derive.gradients`, `derive.site`, and what a person meets, `derive.handle`,
`derive.notebook` and `derive.cli`.

Every stage is a function from one immutable value to the next. `derive.program.program` has them
all, each computed when a backend asks for it: a page reads the derivation alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from types import ModuleType
from typing import Any

from derive.backends import BACKENDS, NETWORKS, Backend
from derive.cell import Cell
from derive.network.network import Network
from derive.nodes import CellError
from derive.program.program import Program


def backend(name: str) -> Backend:
    """The backend of that name; CellError where there is none."""
    if name not in BACKENDS:
        raise CellError(f"no backend is called {name!r}; there are {', '.join(BACKENDS)}")
    found: Backend = import_module(f"derive.backends.{name}")
    return found


def network_backend(name: str) -> ModuleType:
    """What that backend has for networks; CellError where it has nothing, or there is none."""
    backend(name)
    if name not in NETWORKS:
        raise CellError(f"{name} has no networks; there are {', '.join(NETWORKS)}")
    return import_module(f"derive.backends.{name}.network")


def generate(
    cell: Cell | Network, target: str = "numpy", store: str = "all", **options: Any
) -> dict[str, Any]:
    """The files of a cell, or of a network, in a target language: names and texts; of a model,
    bytes.

    store  what forward keeps for backward: "all" that backward reads, or "states" only, computing
    the rest again; "checkpoints", the states before every √T-th step; or "everything", and backward
    every adjoint

    Further options are the target's own, as those of `derive.onnx` are.
    """
    is_cell = isinstance(cell, Cell)
    module: Any = backend(target) if is_cell else network_backend(target)
    if store not in module.STORES:
        raise CellError(
            f"{target} has no module{'' if is_cell else ' of a network'} that keeps {store!r}; it "
            f"may be {', '.join(module.STORES)}"
        )
    for name in options:
        if name not in getattr(module, "OPTIONS", ()):
            raise CellError(f"the target {target} takes no {name}")
    try:
        if isinstance(cell, Cell):
            return dict(module.files(Program(cell, store, module.POLICY), **options))
        return dict(module.files(cell, store, **options))
    except CellError as error:
        raise CellError(f"{cell.name}: {error}") from None


def overview(cells: Sequence[Cell], target: str = "numpy") -> dict[str, str]:
    """The files of a target that are about all the built-in cells together."""
    return dict(backend(target).overview(cells))


def module(cell: Cell | Network, store: str = "all") -> ModuleType:
    """The NumPy module generated from a cell or a network, ready to use, without a file."""
    (text,) = generate(cell, store=store).values()
    made = ModuleType(cell.name)
    exec(compile(text, f"<{cell.name}>", "exec"), vars(made))
    return made
