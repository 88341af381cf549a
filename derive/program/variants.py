"""The four kinds of thing that a quantity's derivatives are, and what they are called."""

from __future__ import annotations

from enum import Enum


class Variant(Enum):
    """A quantity itself, its adjoint, its tangent, and the tangent of its adjoint.

    The value is the pattern of the names: ``dW`` is the adjoint of W, ``W_dot`` its tangent.
    """

    PRIMAL = "{}"
    ADJOINT = "d{}"
    TANGENT = "{}_dot"
    ADJOINT_TANGENT = "d{}_dot"

    def of(self, name: str) -> str:
        """What this variant of `name` is called."""
        return str(self.value).format(name)
