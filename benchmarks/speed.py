"""The generated LSTM against PyTorch's fused `nn.LSTM`: forward + backward, float32, two threads.

Both sides do the same work on the same numbers: from inputs, parameters and a loss's gradient by
the outputs, to the outputs and the gradients by every parameter and input. First they are checked
to agree. Then each is timed in a process of its own: the two take short turns at every shape, and
several rounds of fresh processes share out the machine's moods. What is reported is the median
over all calls of all rounds, the ratio of the two medians, and, as the spread, the lowest and the
highest ratio of any one round.

Run `python -m benchmarks.speed`; it needs PyTorch, and takes two to three minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from derive.cli.progress import progress

THREADS = 2
ROOT = Path(__file__).resolve().parent.parent


class Shape(NamedTuple):
    """T steps, B sequences, I inputs, H hidden units."""

    T: int
    B: int
    I: int
    H: int


PROTOTYPE = {  # the ratios of a hand-tuned prototype in NumPy: what the generated code is to reach
    Shape(100, 1, 16, 32): 2.8,
    Shape(100, 1, 64, 128): 1.5,
    Shape(1000, 1, 1, 20): 5.9,
    Shape(100, 16, 64, 128): 2.4,
    Shape(100, 32, 64, 128): 2.3,
    Shape(100, 128, 128, 256): 1.3,
    Shape(50, 64, 256, 512): 1.3,
}

Array = NDArray[np.float32]


def numbers(shape: Shape) -> tuple[Any, Array, Array]:
    """Parameters, `xs` (T, B, I) and `dys` (T, B, H), the same whenever it is called."""
    from generated import lstm

    rng = np.random.default_rng(0)
    params = lstm.init(rng, shape.I, shape.H, dtype=np.float32)
    xs = rng.standard_normal((shape.T, shape.B, shape.I), dtype=np.float32)
    dys = rng.standard_normal((shape.T, shape.B, shape.H), dtype=np.float32)
    return params, xs, dys


class Cellwright:
    """The generated module."""

    def __init__(self, shape: Shape) -> None:
        from generated import lstm

        self.lstm = lstm
        self.params, self.xs, self.dys = numbers(shape)

    def run(self) -> Any:
        ys, _, tape = self.lstm.forward(self.params, self.xs)
        return ys, self.lstm.backward(self.params, tape, self.dys)

    def results(self) -> dict[str, Array]:
        ys, (dparams, dxs, _) = self.run()
        return {"ys": ys, "dxs": dxs} | {name: dparams[name] for name in self.lstm.Params.SHAPES}


class Torch:
    """The peer. It stacks its gates as i, f, g, o; of its two biases the second is 0 here."""

    def __init__(self, shape: Shape) -> None:
        import torch

        torch.set_num_threads(THREADS)
        params, xs, dys = numbers(shape)
        self.lstm = torch.nn.LSTM(shape.I, shape.H)
        with torch.no_grad():
            self.lstm.bias_hh_l0.zero_()
            for name, weight in self.named(lambda stack: stack).items():
                weight.copy_(torch.from_numpy(params[name]))
        self.xs, self.dys = torch.from_numpy(xs).requires_grad_(), torch.from_numpy(dys)

    def named(self, part: Callable[[Any], Any]) -> dict[str, Any]:
        """The equations' names, and views of that part of the parameters stacked under each."""
        lstm = self.lstm
        stacks = {"W": lstm.weight_ih_l0, "U": lstm.weight_hh_l0, "b": lstm.bias_ih_l0}
        return {
            f"{letter}_{gate}": view
            for letter, stack in stacks.items()
            for gate, view in zip("ifgo", part(stack).chunk(4), strict=True)
        }

    def run(self) -> Any:
        self.lstm.zero_grad(set_to_none=True)
        self.xs.grad = None
        ys, _ = self.lstm(self.xs)
        ys.backward(self.dys)
        return ys

    def results(self) -> dict[str, Array]:
        found = {"ys": self.run().detach(), "dxs": self.xs.grad}
        found |= self.named(lambda stack: stack.grad)
        return {name: tensor.numpy() for name, tensor in found.items()}


SIDES = {"cellwright": Cellwright, "torch": Torch}


def check_agreement(shape: Shape) -> None:
    """Raise unless both sides compute the same outputs and gradients, to what float32 can tell."""
    ours, theirs = Cellwright(shape).results(), Torch(shape).results()
    assert ours.keys() == theirs.keys(), f"{sorted(ours)} against {sorted(theirs)}"
    for name, expected in theirs.items():
        error = np.abs(ours[name] - expected).max() / np.abs(expected).max()
        assert error < 1e-4, f"{shape}: {name} differs by {error:.1e} of its largest element"


def call_times(run: Callable[[], Any], seconds: float) -> list[float]:
    """The time of each call in ms, over about so many seconds, after two calls to warm up."""
    for _ in range(2):
        run()
    times: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 3:
        start = time.perf_counter()
        run()
        times.append(1e3 * (time.perf_counter() - start))
    return times


def serve(side: str) -> None:
    """One side's process: a line of shape and seconds comes in, a line of times goes out."""
    for line in sys.stdin:
        shape, seconds = json.loads(line)
        print(json.dumps(call_times(SIDES[side](Shape(*shape)).run, seconds)), flush=True)


class Process:
    """The same, seen from outside."""

    def __init__(self, side: str, stack: ExitStack) -> None:
        threads = {f"{library}_NUM_THREADS": str(THREADS) for library in ("OMP", "OPENBLAS", "MKL")}
        command = [sys.executable, "-m", "benchmarks.speed", "--serve", side]
        self.process = stack.enter_context(
            subprocess.Popen(
                command,
                cwd=ROOT,
                env=os.environ | threads,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        )

    def times(self, shape: Shape, seconds: float) -> list[float]:
        """The times of calls at that shape, in ms, over about so many seconds."""
        assert self.process.stdin and self.process.stdout
        print(json.dumps([shape, seconds]), file=self.process.stdin, flush=True)
        times: list[float] = json.loads(self.process.stdout.readline())
        return times


Times = dict[str, list[float]]  # side -> ms of each call


def measure(
    shapes: list[Shape], rounds: int, turns: int, seconds: float
) -> dict[Shape, list[Times]]:
    """The times of both sides, for each shape and round."""
    found: dict[Shape, list[Times]] = {shape: [] for shape in shapes}
    work = progress(rounds * len(shapes))
    with work.shown():
        for number in range(1, rounds + 1):
            with ExitStack() as stack:
                processes = {side: Process(side, stack) for side in SIDES}
                for shape in shapes:
                    work.at(f"round {number}: {', '.join(map(str, shape))}")
                    times: Times = {side: [] for side in SIDES}
                    for _ in range(turns):
                        for side, process in processes.items():
                            times[side] += process.times(shape, seconds)
                    found[shape].append(times)
    return found


def ratio(times: Times) -> float:
    return median(times["cellwright"]) / median(times["torch"])


def report(found: dict[Shape, list[Times]]) -> Table:
    """A row for each shape."""
    table = Table(title=f"LSTM, forward + backward, float32, {THREADS} threads, median in ms")
    for heading in ("T, B, I, H", *SIDES, "ratio", "spread", "prototype"):
        table.add_column(heading, justify="right")
    for shape, rounds in found.items():
        pooled = {side: [time for times in rounds for time in times[side]] for side in SIDES}
        ratios = [ratio(times) for times in rounds]
        reached = "green" if round(ratio(pooled), 1) <= PROTOTYPE[shape] else "red"
        table.add_row(
            ", ".join(map(str, shape)),
            *(f"{median(pooled[side]):.2f}" for side in SIDES),
            f"[{reached}]{ratio(pooled):.2f}",
            f"{min(ratios):.2f}-{max(ratios):.2f}",
            f"{PROTOTYPE[shape]}",
        )
    return table


def main() -> None:
    """Check that the two sides agree, time them, print the table."""
    parser = argparse.ArgumentParser(description="Time the generated LSTM against torch.nn.LSTM.")
    parser.add_argument("--rounds", type=int, default=5, help="of fresh processes")
    parser.add_argument("--turns", type=int, default=3, help="of each side, at a shape in a round")
    parser.add_argument("--seconds", type=float, default=0.4, help="of each turn")
    parser.add_argument("--rows", type=int, nargs="*", help="of the table, counted from 1, not all")
    parser.add_argument("--serve", choices=SIDES, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        return serve(args.serve)
    shapes = [shape for row, shape in enumerate(PROTOTYPE, 1) if not args.rows or row in args.rows]
    for shape in shapes:
        check_agreement(shape)
    Console().print(report(measure(shapes, args.rounds, args.turns, args.seconds)))


if __name__ == "__main__":
    main()
