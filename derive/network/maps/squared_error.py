"""The loss of predictions of numbers."""

from derive.language import Axis, Input, Map, sum

O = Axis("O", "output_size")


class SquaredError(Map):
    """Half of the squared distance between outputs and targets."""

    y, target = Input(O), Input(O)

    r = y - target
    loss = sum(r**2) / 2
