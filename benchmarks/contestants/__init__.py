"""Who is measured. A contestant is a function from a problem and a number of threads to its tasks;
it is imported where it runs, in a process of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NamedTuple

from benchmarks import missing
from benchmarks.grid import BOTH, FORWARD, GRID, HVP, MEASURES, SMALL, STEP, Shape

FUSED = ("lstm", "gru:reset=after")
UNFUSED = ("lstm_peephole", "mgu", "lem", "lstm_layer_norm")
CELLS = FUSED + UNFUSED


class Contestant(NamedTuple):
    """One of those who are measured.

    title     what tables call it
    made      the module in this package and its function
    packages  what must be installed; their versions are reported
    cells, measures, shapes  what it takes part in
    omits     of its results, those that it does not compute; "memory" where a call takes none
    also      what else must be there: a sentence that says what is not, or None
    """

    title: str
    made: str
    packages: tuple[str, ...] = ()
    cells: tuple[str, ...] = CELLS
    measures: tuple[str, ...] = MEASURES
    shapes: tuple[Shape, ...] = ()
    omits: tuple[str, ...] = ()
    also: Callable[[], str | None] = lambda: None

    def missing(self) -> str | None:
        """Why it cannot be measured here, in a sentence; None if it can."""
        for package in self.packages:
            if find_spec(package) is None:
                return f"{self.title}: {package} is not installed (make bench installs it)"
        return self.also()

    def takes(self, cell: str, measure: str, shape: Shape) -> bool:
        """Whether it takes part."""
        return cell in self.cells and measure in self.measures and shape in (self.shapes or [shape])

    def function(self) -> Callable[..., Any]:
        """What makes its tasks, imported now."""
        module, name = self.made.split(".")
        return getattr(import_module(f"{__name__}.{module}"), name)


ONNX, PASSES = ("onnx", "onnxruntime"), (FORWARD, BOTH)
COMPILED_AT = (SMALL, GRID[0], GRID[3], GRID[5])  # each takes a quarter of a minute to compile

CONTESTANTS = {
    "compiled": Contestant("Cellwright, C", "ours.compiled", also=missing.compiler),
    "numpy": Contestant("Cellwright, NumPy", "ours.numpy"),
    "layer": Contestant(
        "Cellwright, PyTorch with the kernel",
        "torch_ours.compiled",
        ("torch",),
        measures=(*PASSES, HVP),
        also=missing.compiler,
    ),
    "layer.plain": Contestant(
        "Cellwright, PyTorch", "torch_ours.plain", ("torch",), measures=(*PASSES, HVP)
    ),
    "torch": Contestant("PyTorch, fused", "torch_layer.fused", ("torch",), FUSED),
    "eager": Contestant("PyTorch, eager", "torch_loop.eager", ("torch",), UNFUSED),
    "torch.compile": Contestant(
        "PyTorch, compiled", "torch_loop.compiled", ("torch",), UNFUSED, (BOTH,), COMPILED_AT
    ),
    "jax": Contestant("JAX, scan", "jax.scan", ("jax",), UNFUSED),
    "onnxruntime": Contestant("onnxruntime", "onnx.graph", ONNX, FUSED, (FORWARD, STEP)),
    "kann": Contestant(
        "KANN, C", "kann.lstm", (), ("lstm",), PASSES, omits=("dxs", "memory"), also=missing.kann
    ),
    "products.numpy": Contestant("products, NumPy", "floor.by_numpy", measures=PASSES),
    "products.torch": Contestant("products, PyTorch", "floor.by_torch", ("torch",), CELLS, PASSES),
}
LAYERS = ("compiled", "layer", "layer.plain", "torch", "eager")  # what is compared in PyTorch
OURS = ("compiled", "numpy")  # the first that is there is what the others are compared with
PRODUCTS = ("products.numpy", "products.torch")


def present(names: Iterable[str]) -> list[str]:
    """Those of them that can be measured here."""
    return [name for name in names if not CONTESTANTS[name].missing()]
