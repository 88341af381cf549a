from derive.language import (
    Cell, H, I, Input, Matrix, State, StepNumber, Vector, floor, tanh, where,
)  # fmt: skip


def reads(unit, other, modules):
    """1 where a unit reads another: one of its own module, or of a slower one; else 0."""
    return where(floor(modules * other / H) < floor(modules * unit / H), 0, 1)


class ClockworkRNN(Cell, family="Simple"):
    """Clockwork network: modules of units, of which the n-th has a new value every 2^(n-1) steps.

    Koutník, Greff, Gomez & Schmidhuber (2014), A clockwork RNN, ICML, arXiv 1402.3511, equation 1
    with the periods of section 3, without the output layer. A module reads itself and slower ones.
    At step t, from 1 on, those change whose period divides t.
    """

    modules = 4
    x, t = Input(), StepNumber()
    h = State()
    W, U = Matrix(H, I), Matrix(H, H)
    period = Vector(H, trained=False, at=lambda i, n=modules: 2 ** floor(n * i / H))
    M = Matrix(H, H, trained=False, at=lambda i, j, n=modules: reads(i, j, n))

    turns = t / period
    n = tanh(W @ x + (M * U) @ h)
    h_next = where(turns > floor(turns), h, n)
