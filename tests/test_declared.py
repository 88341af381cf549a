"""Derivatives that are declared: of what is stopped, and of what has that of another formula."""

from __future__ import annotations

import numpy as np
import pytest
import reference
from some_cells import first
from test_javascript import Numbers, both
from test_language import HEAD, define

from derive.elementwise import stop_gradient, surrogate
from derive.language import (
    Axis,
    Cell,
    H,
    Heads,
    I,
    Input,
    Matrix,
    Option,
    Output,
    Scalar,
    State,
    Vector,
    absolute,
    maximum,
    mean,
    outer,
    sigmoid,
    softmax,
    standardise,
    sum,
    tanh,
    where,
)  # fmt: skip
from derive.library import load
from derive.proof import check, parts
from derive.proof.trial import Trial


class Spiking(Cell):
    """Leaky integrate-and-fire neurons, recurrent, with a trained leak and a soft reset."""

    smooth = Option("fast", "sigmoid")
    x = Input()
    s, v = State(), State()
    W, U, b = Matrix(H, I), Matrix(H, H), Vector(H)

    v_next = sigmoid(b) * v + W @ x + U @ s - stop_gradient(s)
    u = v_next - 1
    slope = u / (1 + 10 * absolute(u)) if smooth == "fast" else sigmoid(4 * u) / 4
    s_next = surrogate(where(u > 0, 1, 0), slope)


class BinaryGate(Cell):
    """A gated unit whose gate is 0 or 1, and has the sigmoid's derivative."""

    x = Input()
    h = State()
    W, U, b = Matrix(H, I), Matrix(H, H), Vector(H)

    p = sigmoid(W.p @ x + U.p @ h + b.p)
    z = surrogate(where(p > 0.5, 1, 0), p)
    h_next = (1 - z) * h + z * tanh(W.h @ x + U.h @ h + b.h)


class Everywhere(Cell):
    """What is declared in every place: in a product, a sum, a quotient, a scalar, an output."""

    x = Input()
    h, c = State(), State()
    W, U, s = Matrix(H, I), Matrix(H, H), Scalar()

    a = W.a @ x + U.a @ stop_gradient(h)
    m = mean(a) * stop_gradient(s.m) + s.m
    n = standardise(stop_gradient(a) + tanh(h), eps=0.1)
    k = stop_gradient(sum(h**2))
    c_next = n * tanh(c) + stop_gradient(m) * h + surrogate(a, tanh(c) * m) / (1 + k)
    h_next = Output(tanh(U.h @ c_next + surrogate(s.h, m) + s.h) * stop_gradient(c_next))


class OfEveryShape(Cell):
    """What is declared of matrices, and beside a state that is a number."""

    K, V = Axis("K", "key_size"), Axis("V", "value_size")
    x = Input()
    S, r = State(K, V), State(1)
    A, B = Matrix(K, I), Matrix(V, I)

    k = softmax(A @ x + r)
    S_next = S / 2 + stop_gradient(S * S) / 9 + outer(k, tanh(B @ x))
    r_next = 0.9 * r + mean(stop_gradient(k) * k)
    y = Output(S_next.T @ k)


class OfEveryHead(Cell):
    """The same of each head: numbers, vectors and matrices."""

    N, K, V = Heads(), Axis("K", "key_size"), Axis("V", "value_size")
    x = Input()
    S, z, m = State(N, K, V), State(N, K), State(N)
    A, B, a = Matrix(N, K, I), Matrix(N, V, I), Matrix(N, I)

    k = softmax(A @ x + stop_gradient(z * z))
    m_next = maximum(a @ x, stop_gradient(m)) + m / 3
    S_next = sigmoid(m_next) * S + stop_gradient(S * S) / 9 + outer(k, tanh(B @ x))
    z_next = z / 2 + k
    y = Output(S_next.T @ z_next)


CELLS = {
    "a spiking unit": Spiking, "a binary gate": BinaryGate, "everywhere": Everywhere,
    "slstm": load("slstm", {"stopped": "true"}), "every shape": OfEveryShape,
    "every head": OfEveryHead,
}  # fmt: skip
SEEN = list(CELLS.values())
each = pytest.mark.parametrize("cell", SEEN, ids=CELLS)


@pytest.mark.parametrize("cell", SEEN, ids=CELLS)
def test_the_proof(cell):
    rows = {row.name: row for row in check(cell)}
    assert [name for name, row in rows.items() if not row.ok] == ["peer"]
    names = [e.lhs.name for e in cell.equations if e.rhs.has(stop_gradient, surrogate)]
    assert f"in {', '.join(names)} the derivative that is declared" in rows["identity"].remark


@pytest.mark.parametrize(
    "row", first(2, ["identity", "complex step", "finite differences", "Hessian"])
)
@pytest.mark.parametrize("wrong", [
    (stop_gradient, lambda y, x: (1 + 0 * x,)),
    (surrogate, lambda y, of, like: (1 + 0 * of, 1 + 0 * of)),
    (surrogate, lambda y, of, like: (0 * of, 1 + like)),
], ids=["not stopped", "both derivatives", "another derivative"])  # fmt: skip
def test_another_derivative_than_the_declared_one_is_found(monkeypatch, wrong, row):
    word, slopes = wrong
    monkeypatch.setattr(word, "slopes", staticmethod(slopes))
    assert next(part for part in parts(Everywhere) if part.name == row).outcome().ok is False


@each
def test_values_are_those_of_the_formula(cell):
    """Against the equations read one by one, in which a declared derivative is nothing."""
    trial = Trial(cell)
    params, xs, state = trial.point.params, trial.point.xs, trial.point.state
    want, end = reference.run(cell, params, xs, state._asdict())
    np.testing.assert_allclose(trial.ys, want, rtol=1e-12, atol=1e-12)
    for name, array in end.items():
        np.testing.assert_allclose(getattr(trial.final, name), array, rtol=1e-12, atol=1e-12)


def test_a_spike_is_0_or_1():
    ys = Trial(Spiking).ys
    assert set(np.unique(ys)) == {0, 1}


@pytest.mark.node
@each
def test_in_javascript(cell):
    Numbers(both(cell)).check()


# --- against PyTorch, which has a word for it ----------------------------------------------------


def spiking(torch, w, x, s, v):
    v = torch.sigmoid(w["b"]) * v + x @ w["W"].T + s @ w["U"].T - s.detach()
    u = v - 1
    slope = u / (1 + 10 * u.abs())
    return slope + ((u > 0).to(u) - slope).detach(), v


def binary(torch, w, x, h):
    p = torch.sigmoid(x @ w["W_p"].T + h @ w["U_p"].T + w["b_p"])
    z = p + ((p > 0.5).to(p) - p).detach()
    return ((1 - z) * h + z * torch.tanh(x @ w["W_h"].T + h @ w["U_h"].T + w["b_h"]),)


@pytest.mark.peers
@pytest.mark.parametrize("cell, step", [(Spiking, spiking), (BinaryGate, binary)])
def test_the_gradient_is_that_of_detach(cell, step):
    import torch

    trial = Trial(cell)
    params, xs, state = trial.point.params, trial.point.xs, trial.point.state
    weights = {name: torch.tensor(value, requires_grad=True) for name, value in params.items()}
    inputs = torch.tensor(xs, requires_grad=True)
    begin = [torch.tensor(s, requires_grad=True) for s in state]
    now, total = begin, 0
    for x, dy in zip(inputs, trial.dys, strict=True):
        now = step(torch, weights, x, *now)
        total = total + (now[0] * torch.tensor(dy)).sum()
    total = total + sum_of(now, trial.dstate, torch)
    total.backward()
    gradient = trial.at(trial.gradient(trial.point))
    for name, weight in weights.items():
        np.testing.assert_allclose(gradient.params[name], weight.grad, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(gradient.xs, inputs.grad, rtol=1e-12, atol=1e-13)
    for got, s in zip(gradient.state, begin, strict=True):
        np.testing.assert_allclose(got, s.grad, rtol=1e-12, atol=1e-13)


def sum_of(final, dstate, torch):
    return torch.stack(
        [(f * torch.tensor(d)).sum() for f, d in zip(final, dstate, strict=True)]
    ).sum()


# --- the stabiliser of the sLSTM -----------------------------------------------------------------


@pytest.mark.parametrize("forget", ["sigmoid", "exp"])
def test_a_stopped_stabiliser_is_exact_for_losses_of_the_outputs(forget):
    """And only for these: the final state is not free of it."""
    derived, stopped = (
        Trial(load("slstm", {"stopped": how, "forget": forget})) for how in ("false", "true")
    )
    for trial in (derived, stopped):
        trial.of_state = trial.gradient(trial.point)
        trial.dstate = trial.module.State(*(0 * d for d in trial.dstate))
        trial.of_outputs = trial.gradient(trial.point)
    np.testing.assert_array_equal(stopped.ys, derived.ys)
    np.testing.assert_allclose(stopped.of_outputs, derived.of_outputs, rtol=1e-11, atol=1e-13)
    assert np.abs(stopped.of_state - derived.of_state).max() > 0.1


# --- what is said, and refused -------------------------------------------------------------------


def test_a_number_is_stopped_already():
    cell = define(
        HEAD + "h_next = stop_gradient(2) * h + W @ x\nc_next = stop_gradient(stop_gradient(h)) + c"
    )
    assert [str(e) for e in cell.equations] == [
        "h_next = 2*h + W @ x", "c_next = c + stop_gradient(h)",
    ]  # fmt: skip
