"""JAX: the cells written by hand, `lax.scan` over steps, under `jit`."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from benchmarks.contestants.task import Task, Tasks
from benchmarks.grid import BOTH, FORWARD, HVP, STEP
from benchmarks.problem import Arrays, Problem, after_step
from benchmarks.steps import WRITTEN


def layer_norm(a: Any, scale: Any, shift: Any, eps: float) -> Any:
    centred = a - a.mean(-1, keepdims=True)
    return centred * lax.rsqrt((centred**2).mean(-1, keepdims=True) + eps) * scale + shift


F = SimpleNamespace(
    sigmoid=jax.nn.sigmoid,
    tanh=jnp.tanh,
    affine=lambda a, h, U: a + h @ U.T,
    parts=lambda a, n: jnp.split(a, n, -1),
    rows=lambda a, n: jnp.split(a, n, 0),
    layer_norm=layer_norm,
)


def scan(problem: Problem, threads: int) -> Tasks:  # noqa: ARG001 - XLA has what the process has
    written = WRITTEN[problem.name]

    def stacked(numbers: Arrays) -> dict[str, Any]:
        return written.stacked(numbers, lambda parts: jnp.asarray(np.concatenate(parts)))

    def named(arrays: dict[str, Any]) -> Arrays:
        return written.named({k: np.asarray(array) for k, array in arrays.items()})

    params, params_dot = stacked(problem.params), stacked(problem.params_dot)
    xs, dys, x = map(jnp.asarray, (problem.xs, problem.dys, problem.x))
    before = [jnp.asarray(s) for s in problem.before.values()]
    zeros = tuple(jnp.zeros_like(s) for s in before)

    @jax.jit
    def forward(params: Any, xs: Any) -> Any:
        given, inputs = written.before(F, params, xs)

        def one(states: Any, a: Any) -> Any:
            states = written.step(F, given, a, *states)
            return states, states[0]

        return lax.scan(one, zeros, inputs)[1]

    @jax.jit
    def both(params: Any, xs: Any, dys: Any) -> Any:
        ys, pulled = jax.vjp(forward, params, xs)
        return ys, *pulled(dys)

    @jax.jit
    def step(params: Any, x: Any, states: Any) -> Any:
        given, inputs = written.before(F, params, x[None])
        return written.step(F, given, inputs[0], *states)

    @jax.jit
    def hvp(params: Any, params_dot: Any, xs: Any, dys: Any) -> Any:

        def gradient(p):
            return jax.vjp(lambda q: forward(q, xs), p)[1](dys)[0]

        return jax.jvp(gradient, (params,), (params_dot,))[1]

    def done(function: Any, *arguments: Any) -> Any:
        return jax.block_until_ready(function(*arguments))

    def read(found: Any) -> Arrays:
        ys, gradients, dxs = found
        return {"ys": np.asarray(ys), "dxs": np.asarray(dxs), **named(gradients)}

    return {
        FORWARD: Task(partial(done, forward, params, xs), lambda ys: {"ys": np.asarray(ys)}),
        BOTH: Task(partial(done, both, params, xs, dys), read),
        STEP: Task(partial(done, step, params, x, before), partial(after_step, problem.cell)),
        HVP: Task(partial(done, hvp, params, params_dot, xs, dys), named),
    }
