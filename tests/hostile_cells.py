"""Cells that are hard to draw: many states, many operands, long names, odd connections."""

from __future__ import annotations

from derive.language import (
    Axis,
    Cell,
    H,
    I,
    Input,
    Matrix,
    Output,
    Scalar,
    State,
    Vector,
    absolute,
    each,
    expm1,
    maximum,
    mean,
    minimum,
    sigmoid,
    sign,
    sin,
    sqrt,
    standardise,
    sum,
    tanh,
)

K = Axis("K", "count_size")


class ThirtyEquations(Cell):
    """Thirty equations: fifteen gates, each of which reads the one before."""

    depth = 15
    x = Input()
    h, c = State(), State()
    W, U, V = Matrix(H, I), Matrix(H, H), Matrix(H, H)

    k = h
    for layer in each(depth):
        g = sigmoid(W.g @ x + U.g @ k)
        k = g * k + (tanh(V.k @ h) if layer % 2 else h)
    c_next = k + c
    h_next = tanh(c_next)


class LongNames(Cell):
    """Names of thirty characters."""

    observation_of_this_very_moment = Input()
    hidden_state_with_a_long_name_ = State()
    memory_cell_with_a_longer_name = State()
    W, U = Matrix(H, I), Matrix(H, H)

    forget_gate_that_is_named_long = sigmoid(
        W.forget_gate_that_is_named_long @ observation_of_this_very_moment
        + U.forget_gate_that_is_named_long @ hidden_state_with_a_long_name_
    )
    output_gate_that_is_named_long = sigmoid(
        W.output_gate_that_is_named_long @ observation_of_this_very_moment
        + U.output_gate_that_is_named_long @ hidden_state_with_a_long_name_
    )
    difference_of_those_two_gates_ = forget_gate_that_is_named_long - output_gate_that_is_named_long
    memory_cell_with_a_longer_name_next = (
        forget_gate_that_is_named_long * memory_cell_with_a_longer_name
        + difference_of_those_two_gates_
    )
    hidden_state_with_a_long_name__next = output_gate_that_is_named_long * tanh(
        memory_cell_with_a_longer_name_next
    )


class FourStates(Cell):
    """Four memories, each of which reads the others."""

    x = Input()
    a, b, c, d = State(), State(), State(), State()
    W, U = Matrix(H, I), Matrix(H, H)

    f = sigmoid(W.f @ x + U.f @ a)
    a_next = f * a + (1 - f) * b
    b_next = f * b + (1 - f) * c
    c_next = f * c + (1 - f) * d
    d_next = f * d + tanh(W.d_next @ x)


class EightStates(Cell):
    """Eight states, four of which are only handed on."""

    x = Input()
    h, p, q, r, s, t, u, v = (State() for _ in range(8))
    W, U = Matrix(H, I), Matrix(H, H, names="p q r s t")

    h_next = tanh(W.h_next @ x + U.p @ p + U.q @ q + U.r @ r) + h
    p_next = tanh(U.p @ h_next)
    q_next = sigmoid(U.q @ q + U.s @ s)
    r_next = q_next
    s_next = s * q_next + p_next
    t_next = t + U.t @ s_next
    u_next = u * 0.9 + t_next
    v_next = maximum(v, u_next)


class ManyOperands(Cell):
    """Operations with more operands than a circle has sides."""

    x = Input()
    h = State()
    W, U = Matrix(H, I), Matrix(H, H)

    p = sigmoid(W.p @ x)
    q = sigmoid(W.q @ x)
    r = sigmoid(U.r @ h)
    s = sigmoid(U.s @ h)
    t = tanh(W.t @ x)
    u = tanh(U.u @ h)
    m = p * q * r * s * t * u
    n = p + q - r + s - t + u + h
    h_next = m * n + p * q * h - r * s * t + u


class DeepChain(Cell):
    """Twelve functions, one after the other."""

    x = Input()
    h = State()
    W = Matrix(H, I)

    k = tanh(W @ x)
    for layer in each(12):
        k = tanh(k / (layer + 1) + h)
    h_next = k


class NoInputInALayer(Cell):
    """The input is only added, never weighed."""

    x = Input(H)
    h = State()
    U = Matrix(H, H)

    h_next = tanh(U @ h) + x * h


class ScalarState(Cell):
    """A state that is a single number for each sequence."""

    x = Input()
    h = State()
    n = State(K)
    W, U, V, R = Matrix(H, I), Matrix(H, H), Matrix(K, H), Matrix(H, K)

    h_next = tanh(W @ x + U @ h + R @ n) / (1 + mean(h) ** 2)
    n_next = n + V @ h_next * sum(h_next)


class Delay(Cell):
    """Windows: states whose new values are the input and an old state; the output is an old one."""

    x = Input()
    u, v, h = State(I), State(I), State()
    W, V = Matrix(H, I, names="x u v"), Matrix(H, H)

    u_next = x
    v_next = u
    old = Output(V @ h)
    h_next = tanh(W.x @ x + W.u @ u + W.v @ v) + old


class OldValueOut(Cell):
    """The output is a state's old value, and so is another state's new one."""

    x = Input()
    h, c = State(), State()
    W, U = Matrix(H, I), Matrix(H, H)

    y = Output(h)
    c_next = h
    h_next = tanh(W @ x + U @ c)


class SharedValue(Cell):
    """Two states have one new value."""

    x = Input()
    h, c = State(), State()
    W, U, V = Matrix(H, I), Matrix(H, H), Matrix(H, H)

    n = tanh(W @ x + U @ h + V @ c)
    h_next = n
    c_next = n


class SharedRail(Cell):
    """Two memories meet: their new values are made of one sum."""

    x = Input()
    h, c = State(), State()
    W = Matrix(H, I)

    s = h + c + tanh(W @ x)
    h_next = s * c
    c_next = s * h


class FourMerged(Cell):
    """Three layers read the input and three states."""

    x = Input()
    h, p, q = State(), State(), State()
    W, U, V, R = Matrix(H, I), Matrix(H, H), Matrix(H, H), Matrix(H, H)

    h_next = tanh(W.h_next @ x + U.h_next @ h + V.h_next @ p + R.h_next @ q)
    p_next = sigmoid(W.p_next @ x + U.p_next @ h + V.p_next @ p + R.p_next @ q)
    q_next = sigmoid(W.q_next @ x + U.q_next @ h + V.q_next @ p + R.q_next @ q)


class Greedy(Cell):
    """A layer that reads nine lines."""

    x = Input()
    h = State()
    s = Scalar()
    W, U, V = Matrix(H, I), Matrix(H, H), Matrix(H, H, names="p q r t u v w h")

    k = tanh(W.k @ x + U.k @ h)
    a = sigmoid(W.a @ x + U.a @ h)
    p = k * a
    q = k + a
    r = 1 - k
    t = s * a
    u = k * k
    v = tanh(a)
    w = k - a
    z = tanh(
        V.p @ p + V.q @ q + V.r @ r + V.t @ t + V.u @ u + V.v @ v + V.w @ w
        + V.h @ h + W.z @ x
    )  # fmt: skip
    h_next = z * h


class Swish(Cell):
    """A layer without an activation that one equation reads twice."""

    x = Input()
    h = State()
    W, b = Matrix(H, I), Vector(H)

    u = W.u @ x + b.u
    h_next = 0.5 * h + u * sigmoid(u)


class KeptInput(Cell):
    """An input that no layer reads as it comes, and that is a state afterwards."""

    x = Input()
    h, before = State(), State(I)
    W, mu = Matrix(H, I), Vector(I)

    m = mu * x + (1 - mu) * before
    h_next = tanh(W @ m) * h
    before_next = x


class ReadTwice(Cell):
    """What reads one value under two names: on a memory, twice with one sign and with two, and
    beside it."""

    x, dt = Input(), Input(())
    h, c = State(), State()
    W, U = Matrix(H, I), Matrix(H, H)

    p = h
    q = h
    u = c
    v = c
    g = tanh(W.g @ x + U.g @ h)
    k = g
    c_next = dt + u - v + tanh(g * k)
    h_next = dt + p + q + tanh(h) + W.h_next @ x


class Crowded(Cell):
    """A line that has to be laid early, and would then stand in the way of a memory's."""

    x, dt = Input(), Input(())
    h = State()
    W, V, s = Matrix(H, I), Matrix(H, I), Scalar()

    p = 1 / (3 * (tanh(dt) + 2) * sqrt(sin(s * dt) + 2))
    q = W @ x
    r = absolute(dt + 2 * p)
    u = q
    v = minimum(sign(p), mean(q))
    y = Output(h + u - expm1(tanh(h)))
    h_next = r + v + y + tanh(maximum(h / sqrt(sin(h) + 2), V @ x))


class Narrow(Cell):
    """A name for the line out of a layer, beside which others come down into the same one."""

    x = Input()
    s = State()
    W, V, R, p = Matrix(H, I), Matrix(H, H), Matrix(H, H), Scalar()

    y = W @ x
    n = standardise(V.n @ y + R.n @ s, eps=1e-2)
    m = standardise(V.m @ y + R.m @ s, eps=1e-2)
    s_next = sigmoid(n) * s + (1 - sigmoid(n)) * tanh(m)
    out = Output(s_next + p * y + s)


class Aside(Cell):
    """A memory on which the output does not depend."""

    x = Input()
    h, c = State(), State()
    W, U = Matrix(H, I), Matrix(H, H)

    h_next = tanh(W @ x + U @ h)
    c_next = 0.5 * c + h


HOSTILE = (
    ThirtyEquations, LongNames, FourStates, EightStates, ManyOperands, DeepChain, NoInputInALayer,
    ScalarState, Delay, OldValueOut, SharedValue, SharedRail, FourMerged, Narrow, Aside,
    Greedy, Swish, KeptInput, ReadTwice, Crowded,
)  # fmt: skip
