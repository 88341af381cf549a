from derive.language import (
    Axis, Cell, I, Input, Matrix, Output, State, Vector, exp, outer, softplus,
)  # fmt: skip


class Mamba(Cell, family="Matrix memory"):
    """A selective state space model, S6: for each channel a state with a step of its own.

    Gu & Dao (2023), Mamba: linear-time sequence modeling with selective state spaces, arXiv
    2312.00752, algorithm 2 and equation 4, where B is discretised as dt * B, as in the authors'
    code. Here u is the channels' input, from the convolution on.
    """

    D, N, R = Axis("D", "channels"), Axis("N", "state_size"), Axis("R", "rank")
    x = Input()
    h = State(D, N)
    W, P, L, G = Matrix(D, I), Matrix(N, I, names="B C"), Matrix(R, I), Matrix(D, R)
    A, b, d = Matrix(D, N), Vector(D), Vector(D, at=1)

    u = W @ x
    B = P.B @ x
    C = P.C @ x
    dt = softplus(G @ (L @ x) + b)
    h_next = exp(-dt * exp(A)) * h + outer(dt * u, B)
    y = Output(h_next @ C + d * u)
