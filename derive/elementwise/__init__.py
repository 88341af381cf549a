"""The elementwise functions: each a class with two rules, its derivative and its textbook formula.

A new function is one class more. Nothing else in the package has to know of it, apart from the
printers of the targets it should be printed in.
"""

from __future__ import annotations

from derive.elementwise.declared import Declared, stop_gradient, surrogate
from derive.elementwise.function import Elementwise
from derive.elementwise.piecewise import (
    absolute,
    choose,
    floor,
    heaviside,
    maximum,
    relu,
    sign,
    step,
)
from derive.elementwise.smooth import (
    cos,
    exp,
    expm1,
    log,
    log1p,
    log_sigmoid,
    sigmoid,
    sin,
    softplus,
    sqrt,
    tanh,
)

FUNCTIONS = (
    *(sigmoid, tanh, exp, expm1, log, log1p, log_sigmoid, softplus, sqrt, sin, cos),
    *(relu, absolute, sign, step, heaviside, maximum, floor, choose, stop_gradient, surrogate),
)

__all__ = [
    "Declared", "Elementwise", "FUNCTIONS", "absolute", "choose", "cos", "exp", "expm1", "floor",
    "heaviside", "log", "log1p", "log_sigmoid", "maximum", "relu", "sigmoid", "sign", "sin",
    "softplus", "sqrt", "step", "stop_gradient", "surrogate", "tanh",
]  # fmt: skip
