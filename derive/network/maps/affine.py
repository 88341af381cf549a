"""The output layer of a network."""

from derive.language import Axis, I, Input, Map, Matrix, Vector

O = Axis("O", "output_size")


class Affine(Map):
    """An affine map, with a row of weights for each output."""

    x = Input()
    W, b = Matrix(O, I), Vector(O)

    y = W @ x + b
