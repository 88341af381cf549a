"""Matrix memories: forward + backward of the generated modules and of an eager PyTorch loop.

The loop is the recurrence as one writes it: products with the input for all steps at once, then a
step at a time, and autograd. All compute the same numbers in float32 with two threads, which is
checked first; they take turns, and medians are compared.

`python -m benchmarks.memories` writes a table into benchmarks/results.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import torch
from rich.console import Console
from torch import Tensor
from torch.nn.functional import logsigmoid, softplus

from benchmarks import compiled
from benchmarks.machine import machine
from benchmarks.problem import derived
from derive.render import write_files

RESULTS = Path(__file__).parent / "results"
THREADS, ROUNDS, BOUND = 2, 9, 1e-4
Named = dict[str, Tensor]


class Shape(NamedTuple):
    """T steps, B sequences, N heads, keys of size K and values of size V; N K inputs."""

    T: int
    B: int
    N: int
    K: int
    V: int


SHAPES = (Shape(128, 4, 4, 32, 32), Shape(512, 1, 4, 64, 64))


def of_heads(W: Tensor, xs: Tensor) -> Tensor:
    """Each head's product with all inputs, (T, B, N, K)."""
    return torch.einsum("nki,tbi->tbnk", W, xs)


def unit(a: Tensor) -> Tensor:
    return a * torch.rsqrt((a * a).sum(-1, keepdim=True) + 1e-6)


def mlstm(p: Named, xs: Tensor) -> Tensor:
    """Beck et al. (2024), stabilised."""
    N, K, _ = p["W_q"].shape
    q, k = of_heads(p["W_q"], xs) + p["b_q"], of_heads(p["W_k"], xs) / K**0.5 + p["b_k"]
    v, o = of_heads(p["P_v"], xs) + p["d_v"], (of_heads(p["P_o"], xs) + p["d_o"]).sigmoid()
    i, log_f = xs @ p["w_i"].T + p["c_i"], logsigmoid(xs @ p["w_log_f"].T + p["c_log_f"])
    B, V, ys = xs.shape[1], v.shape[-1], []
    C, n, m = torch.zeros(B, N, V, K), torch.zeros(B, N, K), torch.full((B, N), -1e30)
    for t in range(len(xs)):
        old, m = log_f[t] + m, torch.maximum(log_f[t] + m, i[t])
        F, G = (old - m).exp()[..., None], (i[t] - m).exp()[..., None]
        C = F[..., None] * C + (G * v[t])[..., None] * k[t][..., None, :]
        n = F * n + G * k[t]
        divisor = torch.maximum((n * q[t]).sum(-1).abs(), (-m).exp())
        ys.append(o[t] * (C @ q[t][..., None]).squeeze(-1) / divisor[..., None])
    return torch.stack(ys)


def gated_deltanet(p: Named, xs: Tensor) -> Tensor:
    """Yang, Kautz & Hatamizadeh (2025)."""
    N, K, _ = p["W_q"].shape
    q, k = unit(of_heads(p["W_q"], xs)), unit(of_heads(p["W_k"], xs))
    v, beta = of_heads(p["P_v"], xs), (xs @ p["w_beta"].T).sigmoid()[..., None]
    a = (-p["A"].exp() * softplus(xs @ p["w_a"].T + p["b"])).exp()[..., None, None]
    S, ys = torch.zeros(xs.shape[1], N, K, v.shape[-1]), []
    for t in range(len(xs)):
        D = a[t] * S
        u = beta[t] * (v[t] - (k[t][..., None, :] @ D).squeeze(-2))
        S = D + k[t][..., None] * u[..., None, :]
        ys.append((q[t][..., None, :] @ S).squeeze(-2))
    return torch.stack(ys)


LOOPS = {"mlstm": mlstm, "gated_deltanet": gated_deltanet}


class Problem:
    """Numbers for a cell, the same whenever it is made; the loss is the sum of `dys * ys`."""

    def __init__(self, name: str, shape: Shape):
        rng, (T, B, N, K, V) = np.random.default_rng(0), shape
        self.name = name
        self.sizes = {"input_size": N * K, "heads": N, "key_size": K, "value_size": V}
        self.params = derived(name).init(rng, **self.sizes, dtype=np.float32)
        self.xs = rng.standard_normal((T, B, N * K), dtype=np.float32)
        self.dys = rng.standard_normal((T, B, N, V), dtype=np.float32)

    def ours(self, module: ModuleType) -> Callable[[], dict[str, Any]]:
        """Forward + backward of a generated module."""
        params = module.Params(**self.sizes, dtype=np.float32)
        params.flat[:] = self.params.flat

        def call() -> dict[str, Any]:
            ys, _, tape = module.forward(params, self.xs)
            dparams, dxs, _ = module.backward(params, tape, self.dys)
            return {"ys": ys, "dxs": dxs, **dparams}

        return call

    def eager(self) -> Callable[[], dict[str, Any]]:
        """The same by the loop and autograd."""
        leaves = {k: torch.tensor(v, requires_grad=True) for k, v in self.params.items()}
        xs, dys = torch.tensor(self.xs, requires_grad=True), torch.from_numpy(self.dys)

        def call() -> dict[str, Any]:
            ys = LOOPS[self.name](leaves, xs)
            dxs, *gradients = torch.autograd.grad(ys, [xs, *leaves.values()], dys)
            found = {"ys": ys.detach(), "dxs": dxs, **dict(zip(leaves, gradients, strict=True))}
            return {name: tensor.numpy() for name, tensor in found.items()}

        return call


def measured(name: str, shape: Shape, rounds: int = ROUNDS) -> dict[str, float]:
    """The median seconds of each, who must agree; the first call of each is not timed."""
    problem, built = Problem(name, shape), compiled.module(name)
    built.set_threads(THREADS)
    calls = {"Cellwright, NumPy": problem.ours(derived(name)), "Cellwright, C": problem.ours(built)}
    calls["PyTorch, eager"] = problem.eager()
    wanted, *others = (call() for call in calls.values())
    for found in others:
        for what, array in wanted.items():
            error = np.linalg.norm(found[what] - array) / np.linalg.norm(array)
            if not error < BOUND:
                raise SystemExit(f"{name} {tuple(shape)}: {what} differs by {error:.1e}")
    seconds: dict[str, list[float]] = {who: [] for who in calls}
    for _ in range(rounds):
        for who, call in calls.items():
            start = time.perf_counter()
            call()
            seconds[who].append(time.perf_counter() - start)
    return {who: median(times) for who, times in seconds.items()}


def table(found: dict[tuple[str, Shape], dict[str, float]]) -> str:
    """Times, and ours over the loop's, in Markdown."""
    *ours, loop = next(iter(found.values()))
    heads = ["cell", "(T, B, N, K, V)", f"{loop}, ms", *(f"{who}, ms | over it" for who in ours)]
    rows = [f"| {' | '.join(heads)} |", "|---|---|---:" + "|---:|---:" * len(ours) + "|"]
    for (name, shape), times in found.items():
        cells = [f"{1e3 * times[who]:.1f} | **{times[who] / times[loop]:.2f}**" for who in ours]
        rows.append(f"| {name} | {tuple(shape)} | {1e3 * times[loop]:.1f} | {' | '.join(cells)} |")
    return "\n".join(rows)


def place() -> str:
    """Where it was measured, and with what."""
    about = machine(THREADS)
    versions = ", ".join(f"{name} {about['versions'][name]}" for name in ("numpy", "torch"))
    where = f"{about['processor']}, {about['cores']} cores, {about['vectors']}"
    return f"Measured on: {where}; {about['compiler']}; {versions}."


def main() -> None:
    """Measure, and write the table."""
    torch.set_num_threads(THREADS)
    found = {(name, shape): measured(name, shape) for name in LOOPS for shape in SHAPES}
    said = "forward + backward, float32, two threads, medians of turns"
    text = (
        f"# Matrix memories\n\nTimes of {said}; `python -m benchmarks.memories`.\n\n{place()}\n\n"
    )
    write_files({"memories.md": text + table(found) + "\n"}, RESULTS)
    Console().print(table(found))


if __name__ == "__main__":
    main()
