"""The loss of a forecast of quantiles."""

from derive.language import Axis, Input, Map, Vector, sum, where

O = Axis("O", "output_size")


class Quantile(Map):
    """The pinball loss of Koenker & Bassett (1978), Regression quantiles, Econometrica 46(1): it is
    least where `level` of all targets are below y."""

    y, target = Input(O), Input(O)
    level = Vector(O, trained=False)

    above = target - y
    slope = where(above > 0, level, level - 1)
    loss = sum(slope * above)
