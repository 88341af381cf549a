from derive.language import Axis, Cell, H, I, Input, Matrix, State, Vector, sigmoid, tanh

M = Axis("M", "backbone_size")


class CfC(Cell, family="Timed"):
    """Closed-form continuous-time network: a gate of time between two values of one backbone.

    Hasani, Lechner, Amini, Liebenwein, Ray, Tschaikowski, Teschl & Rus (2022), Closed-form
    continuous-time neural networks, Nature Machine Intelligence 4, arXiv 2106.13898, with
    a backbone of one layer; n is the paper's h. dt is the time since the step before. In the
    authors' code, and in ncps, the gate has a shift as well, and -f and -e are what is learnt.
    """

    shift = False
    x, dt = Input(), Input(())
    h = State()
    W, U, b = Matrix(M, I), Matrix(M, H), Vector(M)
    V, d = Matrix(H, M), Vector(H)

    z = 1.7159 * tanh(0.666 * (W @ x + U @ h + b))
    f = V.f @ z + d.f
    if shift:
        e = V.e @ z + d.e
    s = sigmoid(-f * dt - (e if shift else 0))
    g = tanh(V.g @ z + d.g)
    n = tanh(V.n @ z + d.n)
    h_next = s * g + (1 - s) * n
