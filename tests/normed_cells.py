"""Cells that standardise, in the ways in which that may be one call or none."""

from __future__ import annotations

from derive.language import (
    Cell,
    H,
    I,
    Input,
    Matrix,
    Scalar,
    State,
    Vector,
    mean,
    sigmoid,
    standardise,
    stop_gradient,
    tanh,
)


class Normalised(Cell):
    """Standardised alone, together, of a formula, and inside another word."""

    x, h, c = Input(), State(), State()
    W, U, b = Matrix(H, I), Matrix(H, H), Vector(H)

    u_1, u_2 = W.u_1 @ x, U.u_2 @ h
    p, q = standardise(u_1, u_2, eps=0.1)
    c_next = b.c * standardise(c + p * h, eps=0.5) + q
    h_next = h * mean(standardise(c_next, eps=1e-3) ** 2) + p


class OfParameters(Cell):
    """What is standardised is the same at every step; or one vector is, of those together."""

    x, h, W, U = Input(), State(), Matrix(H, I), Matrix(H, H)
    b, d, s = Vector(H), Vector(H), Scalar()

    u = W.u @ x
    p, q = standardise(b.p, b.q, eps=0.1)
    r, m = standardise(d + s * u, d * d, eps=0.1)
    h_next = tanh(p * (U @ h) + r) * standardise(d, eps=0.2) + q * m


class HalfStill(Cell):
    """Of what is standardised together some moves nothing, or is no more than kept."""

    x, h, c, W, U = Input(), State(), State(), Matrix(H, I), Matrix(H, H)

    u = W.u @ x + U.u @ h
    p, q = standardise(u, stop_gradient(c), eps=0.1)
    r, m = standardise(W.r @ x, tanh(c), eps=0.1)
    c_next = sigmoid(p) * c + r * stop_gradient(m)
    h_next = c_next * stop_gradient(q)


NORMED = (Normalised, OfParameters, HalfStill)
