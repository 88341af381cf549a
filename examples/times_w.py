"""Times w at every step: the smallest network whose gradient vanishes or explodes, as w^k.

Without the squashing function the hidden state is multiplied by w at each step and nothing else
happens to it, so what is left of a gradient k steps back is w^k exactly; with w = 3 the values
explode as well. tanh stops the values, and makes the gradient smaller still:

    derive gradients examples/times_w.py:squash=none,w=3 examples/times_w.py:w=3 --units 1
"""

from derive.language import Cell, H, Input, Option, State, Vector, tanh


class TimesW(Cell):
    """A scalar network in each unit: times w, plus the input."""

    squash = Option("tanh", "none")
    x = Input(H)
    h = State()
    w = Vector(H, at=1)

    a = w * h + x
    h_next = tanh(a) if squash == "tanh" else a
