"""Networks that between them have everything that a network can have, written as people write
them."""

from __future__ import annotations

from derive.language import (
    Axis,
    Cell,
    H,
    I,
    Input,
    Matrix,
    State,
    StepNumber,
    Vector,
    exp,
    sqrt,
    sum,
    tanh,
)
from derive.network import Bidirectional, Dropout, Layer, Map, Network, Output

D, M, O = Axis("D", "dense"), Axis("M", "middle"), Axis("O", "output_size")


class Timed(Cell):
    """Two inputs, one of them a number, and the number of the step."""

    x, dt = Input(), Input(())
    n = StepNumber()
    h = State()
    W, U = Matrix(H, I), Matrix(H, H)

    h_next = exp(-dt) * h + tanh(W @ x + U @ h) / n


class Dense(Map):
    """A layer that hands nothing on."""

    x = Input()
    W, b = Matrix(D, I), Vector(D)

    y = tanh(W @ x + b)


class Smooth(Map):
    """A loss of one's own: nearly the distance, but smooth."""

    y, target = Input(O), Input(O)

    loss = sum(sqrt(1 + (y - target) ** 2))


class Turned(Cell):
    """A cell that divides by the length of what it is given."""

    x = Input()
    h = State()
    W, U = Matrix(H, I), Matrix(H, H)

    h_next = tanh(W @ (x / sqrt(sum(x**2))) + U @ h)


class Rooted(Map):
    """A layer whose derivative is that of a root, by its value."""

    x = Input()
    W = Matrix(D, I)

    y = sqrt(1 + (W @ x) ** 2)


class Distance(Map):
    """A loss that has no derivative where it is 0."""

    y, target = Input(O), Input(O)

    loss = sqrt(sum((y - target) ** 2))


class Steep(Network):
    """Layers that must not be given zeros, and dropout, which gives some."""

    rooted = Layer(Rooted, 4)
    turned = Bidirectional(Turned, 3)
    drop = Dropout(0.5)
    again = Layer(Turned, 3)
    y = Output(2, Distance)


class Tagger(Network):
    """Tags every word of a sentence.

    It has both directions, dropout, zoneout of two states, and a size that is an argument.
    """

    words = Bidirectional("gru", 6)
    drop = Dropout(0.2)
    sentence = Layer("lstm_peephole", H, zoneout={"h": 0.1, "c": 0.3})
    tags = Output(5, "cross_entropy")


class Memories(Network):
    """Heads, matrix memories, states that do not start at 0, a layer without a state, quantiles."""

    first = Layer("mlstm", heads=2, value_size=3, key_size=2)
    both = Bidirectional("slstm", 3, zoneout={"h": 0.2})
    after = Layer("gru:reset=after", 4)
    before = Layer("gru", 3)
    dense = Layer(Dense, 5)
    forecast = Output(2, "quantile", level=[0.1, 0.5, 0.9])


class Several(Network):
    """Several inputs in both directions, a layer as wide as what it is given, a loss of its own."""

    first = Bidirectional(Timed, 2, zoneout=0.3)
    wide = Layer("sru", 4)
    drop = Dropout(0.5)
    out = Output(M, Smooth)


class Streaming(Network):
    """One direction, so that it streams; dropout of the inputs."""

    drop = Dropout(0.1)
    first = Layer("lstm", M, zoneout={"c": 0.5})
    second = Layer("gru", H)
    out = Output(1, "squared_error")


class Clocked(Network):
    """Streams with several inputs and the number of the step; no output of its own, no loss."""

    first = Layer(Timed, 4, zoneout=0.5)
    memory = Layer("mlstm", heads=2, value_size=2, key_size=2)
    wide = Layer("sru", 4)


class Plain(Network):
    """A single layer, as wide as an argument says."""

    only = Layer("rnn", H)


NETWORKS = [Tagger, Memories, Several, Streaming, Clocked, Plain]
