"""A graph of operators: nodes in order, each computed once, and the numbers that they read."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from derive.nodes import Axes
from derive.printing import shortest


@dataclass(frozen=True)
class Value:
    """What a node reads or gives.

    axes      its own, behind those of steps and sequences; a number has one of length 1
    is_fixed  whether it has none of steps and sequences
    """

    name: str
    axes: Axes = ()
    is_fixed: bool = True


@dataclass(frozen=True)
class Node:
    """``name = op(inputs)``, with attributes as text."""

    name: str
    op: str
    inputs: tuple[str, ...]
    attributes: tuple[tuple[str, str], ...] = ()


@dataclass
class Graph:
    """A graph, or the body of a loop in one.

    free   gives out names, each once
    outer  the graph around it, which has what is the same at every step
    """

    free: Callable[[str], str]
    outer: Graph | None = None
    nodes: list[Node] = field(default_factory=list)
    constants: dict[str, np.ndarray] = field(default_factory=dict)
    known: dict[object, str] = field(default_factory=dict)
    unnamed: set[str] = field(default_factory=set)

    def add(self, op: str, inputs: tuple[Value, ...], wanted: str, **attributes: str) -> str:
        """A node, called as is `wanted` or the like; its name. What is there is used again."""
        if self.outer and all(value.is_fixed for value in inputs):
            return self.outer.add(op, inputs, wanted, **attributes)
        node = Node("", op, tuple(v.name for v in inputs), tuple(attributes.items()))
        if node not in self.known:
            self.known[node] = self.free(wanted)
            self.nodes.append(replace(node, name=self.known[node]))
            self.unnamed.add(self.known[node])
        return self.known[node]

    def call(self, value: Value, name: str, copy: str) -> None:
        """Give a value the name of a quantity: the last node's own, or that of a `copy`, by the
        operator that is called so."""
        if value.name in self.unnamed and self.nodes[-1].name == value.name:
            last = self.nodes.pop()
            self.nodes.append(replace(last, name=name))
            self.known[replace(last, name="")] = name
        else:
            self.nodes.append(Node(name, copy, (value.name,)))

    def number(self, number: float) -> Value:
        """A number, of the model's type."""
        return self._constant("number", np.array(float(number)))

    def integers(self, word: str, *numbers: int) -> Value:
        """Whole numbers: axes, lengths."""
        return self._constant(word, np.array(numbers, np.int64))

    def _constant(self, word: str, array: np.ndarray) -> Value:
        if self.outer:
            return self.outer._constant(word, array)
        key = (word, array.tobytes())
        if key not in self.known:
            digits = (re.sub(r"\W", "_", shortest(n)) for n in array.ravel().tolist())
            self.known[key] = self.free("_".join([word, *digits]))
            self.constants[self.known[key]] = array
        return Value(self.known[key])
