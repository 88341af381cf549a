"""Long sequences: how time and memory of an LSTM grow with the number of steps, up to a million.

The compiled module in float32, one thread. `run` takes the sequence in parts of 10,000 steps and
keeps the last state only; forward + backward keep all, or checkpoints. Time is the processor's, the
least of a few calls; memory what the calls have at their peak, beside inputs, outputs and their
derivatives, as tracemalloc counts NumPy's arrays.

`python -m benchmarks.long` writes a table and a plot into benchmarks/results.
"""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from rich.console import Console

import derive
from derive.render import write_files

B, I, H = 1, 4, 32
PART = 10_000
STEPS = [1_000, 10_000, 100_000, 1_000_000]
RESULTS = Path(__file__).parent / "results"
KINDS = ("run", "all", "checkpoints")


class Figures(NamedTuple):
    """Of a number of steps: seconds, and bytes at the peak."""

    seconds: float
    bytes: int


def streamed(module: ModuleType, T: int) -> Callable[[], int]:
    """`run` for T steps, in parts; what is given and its outputs are a part's."""
    params = module.init(np.random.default_rng(0), I, H, dtype=np.float32)
    xs = np.random.default_rng(1).standard_normal((min(PART, T), B, I), dtype=np.float32)

    def call() -> int:
        state = None
        for _ in range(0, T, PART):
            _, state = module.run(params, xs, state)
        return 0

    return call


def trained(module: ModuleType, T: int) -> Callable[[], int]:
    """Forward and backward; returns the bytes of outputs and of the gradient by the inputs."""
    params = module.init(np.random.default_rng(0), I, H, dtype=np.float32)
    xs = np.random.default_rng(1).standard_normal((T, B, I), dtype=np.float32)
    dys = np.random.default_rng(2).standard_normal((T, B, H), dtype=np.float32)

    def call() -> int:
        ys, _, tape = module.forward(params, xs)
        _, dxs, _ = module.backward(params, tape, dys)
        return ys.nbytes + dxs.nbytes

    return call


def measured(call: Callable[[], int], T: int) -> Figures:
    """Memory with what counts it, then time without."""
    tracemalloc.start()
    given = call()
    peak = tracemalloc.get_traced_memory()[1] - given
    tracemalloc.stop()
    seconds = []
    for _ in range(2 if STEPS[-1] <= T else 5):
        start = time.process_time()
        call()
        seconds.append(time.process_time() - start)
    return Figures(min(seconds), peak)


def draw(found: dict[str, list[Figures]]) -> Figure:
    """Time and memory over steps, both logarithmic."""
    figure = Figure(figsize=(8, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for kind, style in zip(KINDS, ("^-", "o-", "s-"), strict=True):
        left.loglog(STEPS, [f.seconds for f in found[kind]], style, label=named(kind))
        right.loglog(STEPS, [f.bytes / 1e6 for f in found[kind]], style, label=named(kind))
    left.set(title="time", xlabel="steps", ylabel="seconds")
    right.set(title="memory", xlabel="steps", ylabel="MB beside inputs and outputs")
    for axes in (left, right):
        axes.grid(color="#dddddd", lw=0.6)
        axes.spines[["top", "right"]].set_visible(False)
    left.legend(frameon=False)
    return figure


def named(kind: str) -> str:
    """A kind for people."""
    return kind if kind == "run" else f"forward + backward, {kind}"


def table(found: dict[str, list[Figures]]) -> str:
    """The figures in Markdown."""
    head = "".join(f" {named(kind)} | MB |" for kind in KINDS)
    rows = [f"| steps |{head}", "|---:" * 7 + "|"]
    for k, T in enumerate(STEPS):
        cells = "".join(
            f" {found[kind][k].seconds:,.3f} s | {found[kind][k].bytes / 1e6:,.2f} |"
            for kind in KINDS
        )
        rows.append(f"| {T:,} |{cells}")
    return "\n".join(rows)


def main() -> None:
    """Measure, and write the table and the plot."""
    out = Console()
    cell = derive.load("lstm")
    found: dict[str, list[Figures]] = {}
    modules = {store: derive.compiled(cell, store) for store in KINDS[1:]}
    for kind in KINDS:
        module = modules["all" if kind == "run" else kind]
        module.set_threads(1)
        make = streamed if kind == "run" else trained
        found[kind] = []
        for T in STEPS:
            module._kept.clear()  # memory that it keeps for its next call would not be counted
            found[kind].append(measured(make(module, T), T))
            out.print(f"{named(kind):32}{T:10,} steps  {found[kind][-1].seconds:8.3f} s")
    size = f"An LSTM with B = {B}, I = {I}, H = {H}, compiled, float32, one thread"
    text = f"# Long sequences\n\n{size}; `python -m benchmarks.long`.\n\n{table(found)}\n"
    text += "\nMemory is beside inputs, outputs and their derivatives.\n\n![long.svg](long.svg)\n"
    write_files({"long.md": text}, RESULTS)
    draw(found).savefig(RESULTS / "long.svg", metadata={"Date": None})
    out.print(table(found))


if __name__ == "__main__":
    main()
