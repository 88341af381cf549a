"""What the random cells have in common: how a choice is drawn, and how a parameter."""

from __future__ import annotations

from hypothesis import strategies as st

from derive.nodes import Quantity


class Drawing:
    """Draws, and keeps the parameters that it has drawn."""

    def __init__(self, draw):
        self.draw = draw
        self.parameters: list[Quantity] = []

    def flip(self, one_in):
        return self.draw(st.integers(1, one_in)) == one_in

    def any(self, some):
        return self.draw(st.sampled_from(some))

    def parameter(self, axes):
        """A parameter of this shape: sometimes one that there is already."""
        old = [p for p in self.parameters if p.axes == axes]
        if old and self.flip(4):
            return self.any(old)
        new = Quantity(f"{'sbWT'[len(axes)]}_{len(self.parameters)}", axes)
        self.parameters.append(new)
        return new
