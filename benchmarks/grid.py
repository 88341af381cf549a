"""The sizes at which everything is measured, and what is measured at them."""

from __future__ import annotations

from typing import NamedTuple


class Shape(NamedTuple):
    """T steps, B sequences, I inputs, H hidden units."""

    T: int
    B: int
    I: int
    H: int

    def __str__(self) -> str:
        return "({}, {}, {}, {})".format(*self)


GRID = (
    Shape(100, 1, 16, 32),
    Shape(100, 1, 64, 128),
    Shape(1000, 1, 1, 20),
    Shape(100, 16, 64, 128),
    Shape(100, 32, 64, 128),
    Shape(100, 128, 128, 256),
    Shape(50, 64, 256, 512),
)
SMALL = Shape(3, 2, 4, 5)  # what a library loads, it loads at its first call, whatever the sizes

FORWARD, BOTH, STEP, HVP = "forward", "forward + backward", "one step", "hvp"
MEASURES = (FORWARD, BOTH, STEP, HVP)
