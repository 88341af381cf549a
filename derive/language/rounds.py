"""The rounds of a loop over `each`: its number in each, and what a name has been given in each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import sympy as sp

from derive.language.declarations import Operand
from derive.nodes import CellError, Quantity

if TYPE_CHECKING:
    from derive.language.body import Body


class Layer(int):
    """The number of a round; `loop` tells which loop of the cell it is a round of."""

    loop: int

    def __new__(cls, number: int, loop: int) -> Layer:
        layer = super().__new__(cls, number)
        layer.loop = loop
        return layer


class Rounds(Operand):
    """A name that is given something in each round of a loop: ``n[k]`` is that of round k, and
    ``*n`` are all of them.

    In a formula the name alone is the latest of them. In another loop that would be the last round
    in every round, which nobody means: there it has to be told which.
    """

    def __init__(self, name: str, body: Body):
        self._name, self._body = name, body
        self._values: dict[int, Any] = {}
        self._loop = 0

    def _add(self, layer: Layer, value: Any) -> None:
        self._values[int(layer)], self._loop = value, layer.loop

    def _is_elsewhere(self) -> bool:
        """Whether another loop runs than the one that gives the name its values."""
        return self._body.layer is not None and self._body.layer.loop != self._loop

    def _sympy_(self) -> sp.Expr:
        if self._is_elsewhere():
            raise CellError(
                f"`{self._name}` was given a value in each round of an earlier loop: say which is "
                f"meant, {self._name}[k] with k from {self._listed()}"
            )
        value: sp.Expr = list(self._values.values())[-1]
        return value

    def _listed(self) -> str:
        first, *others = self._values
        return f"{first} to {others[-1]}" if others else f"{first} alone"

    def __getitem__(self, number: object) -> Any:
        if not isinstance(number, int) or number not in self._values:
            raise CellError(
                f"`{self._name}[{number}]`: the rounds of `{self._name}` are numbered from "
                f"{self._listed()}"
            )
        value = self._values[number]
        if isinstance(value, Quantity):
            self._body.read.append(value.name)
        return value

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[Any]:
        return map(self.__getitem__, list(self._values))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._sympy_(), name)

    def __bool__(self) -> bool:
        return self._decides()

    def __eq__(self, other: object) -> bool:
        return self._decides()

    def __contains__(self, other: object) -> bool:
        return self._decides()

    __hash__ = None  # type: ignore[assignment]

    def _decides(self) -> bool:
        raise CellError(
            f"`{self._name}` is compared or tested here, but a quantity has no value while the "
            f"body runs, so it cannot be a condition"
        )
